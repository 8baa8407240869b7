/**
 * What the kernel hands over: packets that can begin or continue a name, in
 * tcpdump's language (pcap-filter(7)).
 *
 *   begins      a TLS handshake record with a ClientHello, or four bytes of which three or four are capital
 *               letters: an HTTP method, HTTP/2's preface. Of random bytes one packet in 4,000 does so too.
 *   continues   a segment too short for bulk data, from the higher port to the lower, unless a TLS
 *               application record stands at its front. The rest of a ClientHello over two segments.
 *   opens       a SYN that leaves this host: a flow that may never show a name.
 *   QUIC        a long header of version 1 or 2, type Initial, in a datagram as long as a client's has to be.
 *
 * Stateless on purpose: CAP_NET_RAW alone, no connection tracking, and bulk data
 * is turned away in the kernel. A full segment inside of a ClientHello is turned
 * away with it, where the card has not joined them (GRO): the middle of three, or
 * the second where a client that evades censors sent a few bytes before it.
 *
 * A load behind a packet's end refuses the packet, whatever stands beside it, so
 * lengths are asked first.
 *
 * Pure: no I/O, no state between calls.
 */
export interface FilterOptions {
  /** Questions to name servers too. */
  readonly dns: boolean;
  /** Whether flows that this host opens are wanted: they are what its users ask for. */
  readonly opened: boolean;
}

/** Segments below it are no bulk data, where the path takes packets of usual size. */
const SHORT_SEGMENT = 1_200;
/** RFC 9000 14.1: what a client's first datagram must have at least, and the UDP header. */
const SHORTEST_QUIC = 1_200 + 8;

/** An expression for tcpdump, over link types with and without a link header. */
export function captureFilter(options: FilterOptions): string {
  return [...ipv4(options), ...ipv6(options)].map((part) => `(${part})`).join(" or ");
}

interface Layout {
  /** What the packet must be for the rest to be asked. */
  readonly tcp: string;
  readonly udp: string;
  /** A byte, or several, of the TCP header, and of the UDP one. */
  readonly tcpAt: (offset: string) => string;
  readonly udpAt: (offset: string) => string;
  /** Bytes behind the IP header. */
  readonly length: string;
}

function ipv4(options: FilterOptions): string[] {
  return rules(options, {
    tcp: "ip and tcp",
    udp: "ip and udp",
    tcpAt: (offset) => `tcp[${offset}]`,
    udpAt: (offset) => `udp[${offset}]`,
    length: "(ip[2:2] - ((ip[0] & 0xf) << 2))",
  });
}

/** Packets with extension headers pass as they are: they are few, and no expression can walk over them. */
function ipv6(options: FilterOptions): string[] {
  const behind = (offset: string) => `ip6[40 + ${offset}]`;
  return [
    ...rules(options, {
      tcp: "ip6[6] = 6",
      udp: "ip6[6] = 17",
      tcpAt: behind,
      udpAt: behind,
      length: "ip6[4:2]",
    }),
    "ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60",
  ];
}

function rules(options: FilterOptions, layout: Layout): string[] {
  const { tcp, udp, tcpAt, udpAt, length } = layout;
  const header = `((${tcpAt("12")} & 0xf0) >> 2)`;
  const payload = `(${length} - ${header})`;
  const front = (size: number) => tcpAt(`${header}:${size}`);
  const hello = `(${front(2)} = 0x1603 and ${tcpAt(`${header} + 5`)} = 1)`;
  const method = `(${front(4)} & 0xe0e0e0e0 = 0x40404040 or ${front(4)} & 0xe0e0e0ff = 0x40404020)`;
  const short = `${payload} < ${SHORT_SEGMENT} and ${tcpAt("0:2")} > ${tcpAt("2:2")}`;
  const begins = `${payload} > 5 and (${hello} or ${method})`;
  const continues = `${payload} > 0 and ${short} and ${tcpAt(header)} != 0x17`;
  const opens = `outbound and ${tcpAt("13")} & 0x12 = 0x02`;
  const version1 = `(${udpAt("8")} & 0xf0 = 0xc0 and ${udpAt("9:4")} = 1)`;
  const version2 = `(${udpAt("8")} & 0xf0 = 0xd0 and ${udpAt("9:4")} = 0x6b3343cf)`;
  const quic = `${udpAt("4:2")} >= ${SHORTEST_QUIC} and ${udpAt("0:2")} != 443 and (${version1} or ${version2})`;
  return [
    `${tcp} and ((${continues}) or (${begins})${options.opened ? ` or (${opens})` : ""})`,
    `${udp} and ((${quic})${options.dns ? ` or ${udpAt("2:2")} = 53` : ""})`,
  ];
}
