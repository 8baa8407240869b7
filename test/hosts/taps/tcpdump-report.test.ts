import { describe, expect, test } from "vitest";
import { parseReport } from "../../../src/hosts/taps/tcpdump-report.ts";

/** tcpdump 4.99.5, at SIGUSR1. */
const ASKED = "tcpdump: 12 packets captured, 14 packets received by filter, 2 packets dropped by kernel\n";
/** At its end. */
const ENDED = "\n1 packet captured\n3 packets received by filter\n0 packets dropped by kernel\n";

describe("parseReport()", () => {
  test.for([
    { name: "what it says when it is asked", text: ASKED, report: { captured: 12, dropped: 2 } },
    { name: "what it says at its end", text: ENDED, report: { captured: 1, dropped: 0 } },
    { name: "the last of several", text: ASKED + ENDED, report: { captured: 1, dropped: 0 } },
    {
      name: "the last of two answers",
      text: ASKED + ASKED.replace("12", "90").replace(" 2 p", " 7 p"),
      report: { captured: 90, dropped: 7 },
    },
    {
      name: "not what an interface dropped",
      text: `${ENDED}5 packets dropped by interface\n`,
      report: { captured: 1, dropped: 0 },
    },
    { name: "no half report", text: "\n1 packet captured\n3 packets rec", report: undefined },
    { name: "no greeting", text: "tcpdump: listening on any, link-type LINUX_SLL2", report: undefined },
    { name: "nothing", text: "", report: undefined },
  ])("reads $name", ({ text, report }) => {
    expect(parseReport(text)).toEqual(report);
  });
});
