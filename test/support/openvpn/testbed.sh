#!/usr/bin/env bash
# A real OpenVPN 2.x server and two real clients on one Linux machine, each in
# its own network namespace, joined by veth pairs. Nothing touches the host's
# own addresses, routes or firewall. Needs root, /dev/net/tun, openvpn,
# iproute2, socat and openssl.
#
#   testbed.sh up [server]             PKI (first time), namespaces, server and clients (or no clients)
#   testbed.sh traffic MB [CN] [up|down]   move exactly MB MiB of TCP payload
#                                      (default: first client, down = server -> client)
#   testbed.sh connect CN [nowait]     start one client (and wait for its tunnel)
#   testbed.sh disconnect CN           SIGTERM one client
#   testbed.sh move CN                 give one client another address under its login (a float)
#   testbed.sh deny CN | allow CN      make client-connect exit 1 / 0 for CN
#   testbed.sh server start|term|kill|usr1|hup
#   testbed.sh info                    paths and pids as KEY=VALUE
#   testbed.sh down                    end everything `up` started, by pid
#
# Settings (environment):
#   OVT_NAME    name and namespace prefix, at most 6 chars        (ovt)
#   OVT_DIR     state folder                                      (/tmp/$OVT_NAME)
#   OVT_CLIENTS client common names                               (alice bob)
#   OVT_MGMT    management socket path                            ($OVT_DIR/mgmt.sock)
#   OVT_MGMT_PW management password file                          (none)
#   OVT_PROTO   udp or tcp                                        (udp)
#   OVT_KEEP    server keepalive (pushed to clients)              (5 20)
#   OVT_STATUS_VERSION  1, 2 or 3                                 (3)
#   OVT_CONNECT, OVT_DISCONNECT  the hooks' command lines          ($DIR/hook.sh)
#   OVT_PATIENCE  seconds that `traffic` takes at most            (120)
#   OVT_EXTRA   lines added to the server's configuration         ()
#   OVT_CLIENT_EXTRA    lines added to each client's configuration (), with its CN for %c
#   OVT_NET     first three octets of the tunnel network          (10.98.0)
#   OVT_LINK    first two octets of the veth networks             (10.97)
set -euo pipefail

NAME=${OVT_NAME:-ovt}; DIR=${OVT_DIR:-/tmp/$NAME}
read -ra CLIENTS <<<"${OVT_CLIENTS:-alice bob}"
MGMT=${OVT_MGMT:-$DIR/mgmt.sock}; PROTO=${OVT_PROTO:-udp}; KEEP=${OVT_KEEP:-5 20}
STATUSV=${OVT_STATUS_VERSION:-3}; NET=${OVT_NET:-10.98.0}; LINK=${OVT_LINK:-10.97}
SNS=$NAME-s; PORT=1194; TPORT=5201
HELD=; [[ ${OVT_EXTRA:-} == *management-hold* ]] && HELD=1 # the server's tunnel comes only after `hold release`

die() { echo "testbed: $*" >&2; exit 1; }
index() { # CN -> 1-based index
  local i; for i in "${!CLIENTS[@]}"; do [[ ${CLIENTS[i]} == "$1" ]] && { echo $((i + 1)); return; }; done
  die "unknown client '$1' (have: ${CLIENTS[*]})"
}
# A daemon takes its file away when it ends, at any moment: `$(<FILE)` would end this script with it.
pid_in() { cat "$1" 2>/dev/null || true; }
alive() { local pid; pid=$(pid_in "$1"); [[ $pid ]] && kill -0 "$pid" 2>/dev/null; }
running() { # a daemon that has ended may wait for init to take note of it
  local state; state=$(awk '{print $3}' "/proc/$1/stat" 2>/dev/null) && [[ $state != Z ]]
}
stop() { # PIDFILE SIGNAL: signal it and wait until it is gone
  alive "$1" || { rm -f "$1"; return 0; }
  local pid; pid=$(pid_in "$1"); [[ $pid ]] || return 0
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  for _ in {1..500}; do running "$pid" || break; sleep 0.02; done
  { running "$pid" && kill -KILL "$pid" 2>/dev/null; } || true
  rm -f "$1"
}
wait_for() { # SECONDS WHAT COMMAND...
  local n=$(($1 * 10)) what=$2; shift 2
  while ! "$@" >/dev/null 2>&1; do ((n-- > 0)) || die "timed out waiting for $what"; sleep 0.1; done
}

pki() {
  [[ -s $DIR/pki/ca.crt ]] || {
    mkdir -p "$DIR/pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
      -subj "/CN=testbed CA" -keyout "$DIR/pki/ca.key" -out "$DIR/pki/ca.crt" 2>/dev/null
    openvpn --genkey tls-crypt "$DIR/pki/ta.key"
  }
  local cn eku
  for cn in server "${CLIENTS[@]}"; do
    [[ -s $DIR/pki/$cn.crt ]] && continue
    eku=clientAuth; [[ $cn == server ]] && eku=serverAuth
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$cn" \
      -keyout "$DIR/pki/$cn.key" -out "$DIR/pki/$cn.csr" 2>/dev/null
    openssl x509 -req -in "$DIR/pki/$cn.csr" -CA "$DIR/pki/ca.crt" -CAkey "$DIR/pki/ca.key" \
      -CAcreateserial -days 3650 -out "$DIR/pki/$cn.crt" \
      -extfile <(printf 'extendedKeyUsage=%s\nkeyUsage=digitalSignature\n' $eku) 2>/dev/null
  done
}

hook() { # one script for client-connect and client-disconnect: dumps its environment, obeys `deny`
  cat >"$DIR/hook.sh" <<SH
#!/bin/sh
# a common name may hold any printable character, '/' too: never a path as it is
cn=\$(printf %s "\$common_name" | tr -c 'A-Za-z0-9@._-' _)
env | sort >"$DIR/env/\$(date +%s.%N)-\$script_type-\$cn.env"
[ "\$script_type" != client-connect ] || [ ! -e "$DIR/deny/\$cn" ]
SH
  chmod +x "$DIR/hook.sh"
}

server_conf() {
  cat >"$DIR/server.conf" <<CONF
dev $NAME-tun
dev-type tun
proto ${PROTO/tcp/tcp-server}
port $PORT
topology subnet
server $NET.0 255.255.255.0
ca $DIR/pki/ca.crt
cert $DIR/pki/server.crt
key $DIR/pki/server.key
tls-crypt $DIR/pki/ta.key
dh none
keepalive $KEEP
management $MGMT unix ${OVT_MGMT_PW:-}
status $DIR/status.log 1
status-version $STATUSV
script-security 2
client-connect "${OVT_CONNECT:-$DIR/hook.sh}"
client-disconnect "${OVT_DISCONNECT:-$DIR/hook.sh}"
verb 3
${OVT_EXTRA:-}
CONF
}

client_conf() { # CN INDEX
  local extra=${OVT_CLIENT_EXTRA:-}
  cat >"$DIR/$1.conf" <<CONF
client
dev $NAME-tun
dev-type tun
proto ${PROTO/tcp/tcp-client}
remote $LINK.$2.1 $PORT
nobind
ca $DIR/pki/ca.crt
cert $DIR/pki/$1.crt
key $DIR/pki/$1.key
tls-crypt $DIR/pki/ta.key
remote-cert-tls server
connect-retry 1 5
verb 3
${extra//%c/$1}
CONF
}

daemon() { # NETNS NAME
  ip netns exec "$1" openvpn --cd "$DIR" --config "$DIR/$2.conf" --daemon "$2" --log-append "$DIR/$2.log" --writepid "$DIR/$2.pid"
  wait_for 10 "$2's pid" alive "$DIR/$2.pid"
}
server_start() {
  alive "$DIR/server.pid" && return; rm -f "$DIR/server.pid"
  [[ -e $DIR/server.conf ]] || server_conf # what was done to it since stays
  daemon "$SNS" server
  [[ $HELD ]] || wait_for 15 "the server's tunnel" ip -n "$SNS" addr show dev "$NAME-tun" up
}
tunnel_up() { ip -n "$NAME-$1" -4 addr show dev "$NAME-tun" | grep -q inet; }
connect() {
  local i; i=$(index "$1"); alive "$DIR/$1.pid" && return; rm -f "$DIR/$1.pid"
  client_conf "$1" "$i"; daemon "$NAME-$i" "$1"
}

up() {
  [[ $EUID == 0 ]] || die "needs root"
  [[ ${#NAME} -le 6 ]] || die "OVT_NAME: at most 6 characters"
  mkdir -p "$DIR/env" "$DIR/deny"; pki; hook
  ip netns list | grep -qw "$SNS" || { ip netns add "$SNS"; ip -n "$SNS" link set lo up; }
  local cn i
  for cn in "${CLIENTS[@]}"; do
    i=$(index "$cn"); ip netns list | grep -qw "$NAME-$i" && continue
    ip netns add "$NAME-$i"; ip -n "$NAME-$i" link set lo up
    ip -n "$SNS" link add "$NAME-v$i" type veth peer name eth0 netns "$NAME-$i"
    ip -n "$SNS" addr add "$LINK.$i.1/30" dev "$NAME-v$i"; ip -n "$SNS" link set "$NAME-v$i" up
    ip -n "$NAME-$i" addr add "$LINK.$i.2/30" dev eth0; ip -n "$NAME-$i" link set eth0 up
  done
  server_start
  [[ ${1:-} == server ]] && return
  for cn in "${CLIENTS[@]}"; do connect "$cn"; done
  for cn in "${CLIENTS[@]}"; do wait_for 20 "$cn's tunnel" tunnel_up "$(index "$cn")"; done
}

move() { # CN: its packets come from another address from now on
  local i; i=$(index "$1")
  ip -n "$SNS" route add "$LINK.$((i + 100)).2/32" dev "$NAME-v$i" src "$LINK.$i.1"
  ip -n "$NAME-$i" addr add "$LINK.$((i + 100)).2/32" dev eth0
  ip -n "$NAME-$i" route replace "$LINK.$i.0/30" dev eth0 src "$LINK.$((i + 100)).2"
}

traffic() { # MB CN up|down
  local mb=${1:?MB} cn=${2:-${CLIENTS[0]}} way=${3:-down} i bytes src dst got sink
  i=$(index "$cn"); bytes=$((mb * 1048576)); sink=$(mktemp "$DIR/sink.XXXX")
  if [[ $way == down ]]; then src=$SNS dst=$NAME-$i; else src=$NAME-$i dst=$SNS; fi
  # the server side listens, on the tunnel address only; the client side connects
  local listen=TCP4-LISTEN:$TPORT,bind=$NET.1,reuseaddr dial=TCP4:$NET.1:$TPORT,connect-timeout=5,retry=20,interval=0.1
  local from to; if [[ $way == down ]]; then from=$listen to=$dial; else from=$dial to=$listen; fi
  ip netns exec "$dst" timeout "${OVT_PATIENCE:-120}" socat -u "$to" STDOUT | wc -c >"$sink" & local reader=$!
  [[ $way == up ]] && sleep 0.2
  head -c "$bytes" /dev/zero | ip netns exec "$src" timeout "${OVT_PATIENCE:-120}" socat -u STDIN "$from" || true
  wait $reader || true; got=$(<"$sink"); rm -f "$sink"
  echo "$cn $way $got bytes of payload"; [[ $got == "$bytes" ]]
}

down() {
  local cn i
  for cn in "${CLIENTS[@]}" server; do # all at once: each takes its time
    alive "$DIR/$cn.pid" && kill -TERM "$(pid_in "$DIR/$cn.pid")" 2>/dev/null || true
  done
  for cn in "${CLIENTS[@]}"; do stop "$DIR/$cn.pid" TERM; done
  stop "$DIR/server.pid" TERM
  for cn in "${CLIENTS[@]}"; do ip netns del "$NAME-$(index "$cn")" 2>/dev/null || true; done
  ip netns del "$SNS" 2>/dev/null || true
}

cmd=${1:-}; shift || true
case $cmd in
up) up "$@" ;;
down) down ;;
traffic) traffic "$@" ;;
connect) connect "${1:?CN}"; [[ ${2:-} == nowait ]] || wait_for 20 "$1's tunnel" tunnel_up "$(index "$1")" ;;
disconnect) index "${1:?CN}" >/dev/null; stop "$DIR/$1.pid" TERM ;;
move) move "${1:?CN}" ;;
deny) index "${1:?CN}" >/dev/null; touch "$DIR/deny/$1" ;;
allow) index "${1:?CN}" >/dev/null; rm -f "$DIR/deny/$1" ;;
server)
  case ${1:?start|term|kill|usr1|hup} in
  start) server_start ;;
  term) stop "$DIR/server.pid" TERM ;;
  kill) stop "$DIR/server.pid" KILL ;;
  usr1) kill -USR1 "$(pid_in "$DIR/server.pid")" ;;
  hup) kill -HUP "$(pid_in "$DIR/server.pid")" ;;
  *) die "server start|term|kill|usr1|hup" ;;
  esac ;;
info)
  echo "DIR=$DIR"; echo "MGMT=$MGMT"; echo "STATUS=$DIR/status.log"; echo "SERVER_NETNS=$SNS"; echo "SERVER_TUN=$NET.1"
  for p in server "${CLIENTS[@]}"; do alive "$DIR/$p.pid" && echo "PID_$p=$(pid_in "$DIR/$p.pid")"; done; true ;;
*) sed -n '2,36s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
