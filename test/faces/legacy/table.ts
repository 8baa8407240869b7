/**
 * What the old commands and menus were given and said, row for row, as the
 * operators of the shell scripts know it. The rows run in their order, each
 * on what those before it left: alice has used 3,000 MB and bob 5 MB, carol
 * nothing; nobody has a limit at the start.
 *
 * What the scripts got wrong is not kept:
 *
 * - counts that became 0 or `3e+09`, trailing commas, daily = total: figures
 *   are the daemon's, whole numbers however large;
 * - `reset` that reset no Xray user: it does;
 * - `disable` that did nothing to one: it cuts him;
 * - limits that were no numbers were computed with, and so deleted the user or
 *   ran what stood in them: refused, with status 2;
 * - names that acted as patterns, so that `a.b` hit `axb`: compared exactly;
 * - missing arguments that exited with 0: 2; an unknown user with 0: 3;
 * - `EROR`: ERROR;
 * - "clear" that was undone by the next scan, OFF that stopped another unit:
 *   the list stays clear until a host is seen anew, ON and OFF drive the unit
 *   that captures.
 *
 * Kept although it looks like one: a name is one account, whichever services it
 * is known to, so a later `add` replaces the earlier limit; `set` and `add` do
 * not ask before a limit that cuts at once.
 */
export interface CommandRow {
  readonly args: readonly string[];
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
  /** 0 if left out. */
  readonly status?: number;
}

const NOT_FOUND = "User nobody not found in bandwidth limit list\n";

export const LIMIT_COMMANDS: readonly CommandRow[] = [
  { args: [], stdout: "" },
  { args: ["set", "bob", "100"], stdout: "Bandwidth limit set: bob = 100 MB (xray)\n" },
  { args: ["add", "sam", "10240", "ssh"], stdout: "Bandwidth limit set: sam = 10240 MB (ssh)\n" },
  { args: ["add", "bob", "50", "vless"], stdout: "Bandwidth limit set: bob = 50 MB (vless)\n" },
  { args: ["set", "sam", "20"], stdout: "Bandwidth limit set: sam = 20 MB (ssh)\n" },
  { args: ["set", "carol", "0"], stdout: "Bandwidth limit set: carol = 0 MB (xray)\n" },
  { args: ["set", "alice", "2048"], stdout: "Bandwidth limit set: alice = 2048 MB (xray)\n" },
  {
    args: ["list"],
    stdout: `NO   USERNAME        USED(MB)   LIMIT(MB)    TYPE       PERCENT  STATUS
1    alice           3000       2048         xray       146%     EXCEED
2    bob             5          50           xray       10%      OK
3    carol           0          0            xray       -        UNLIM
4    sam             0          20           ssh        0%       OK
Total Users: 4
`,
  },
  {
    args: ["show"],
    stdout: `USERNAME     DAILY(MB)  TOTAL(MB)  LIMIT(MB)  REMAIN(MB) TYPE     STATUS
alice        3000       3000       2048       0          xray     EXCEEDED
bob          5          5          50         45         xray     OK
carol        0          0          0          ∞          xray     UNLIMITED
sam          0          0          20         20         ssh      OK
`,
  },
  {
    args: ["usage", "bob"],
    stdout: `Username     : bob
Account Type : xray
Used         : 5 MB
Limit        : 50 MB
Percentage   : 10%
Status       : OK
`,
  },
  { args: ["check"], stdout: "User alice exceeded bandwidth limit (3000 MB / 2048 MB)\n" },
  { args: ["reset", "alice"], stdout: "Usage reset for user: alice\n" },
  { args: ["check"], stdout: "" },
  { args: ["set", "bob", "6"], stdout: "Bandwidth limit set: bob = 6 MB (xray)\n" },
  { args: ["list"], stdout: /^2 +bob +5 +6 +xray +83% +WARN$/m },
  { args: ["show"], stdout: /^alice +0 +0 +2048 +2048 +xray +OK\nbob +5 +5 +6 +1 +xray +WARNING$/m },
  { args: ["disable", "bob"], stdout: "Xray user bob has been disabled\n" },
  { args: ["enable", "bob"], stdout: "Xray user bob has been enabled\n" },
  { args: ["disable", "sam"], stdout: "SSH user sam has been locked\n" },
  { args: ["enable", "sam"], stdout: "SSH user sam has been unlocked\n" },
  { args: ["remove", "bob"], stdout: "Limit removed for user: bob\n" },
  { args: ["usage", "bob"], stdout: /\nLimit {8}: Unlimited\nPercentage {3}: -\nStatus {7}: UNLIMITED\n$/ },
  { args: ["reset-all"], stdout: "Usage reset for 4 users\n" },

  { args: ["add", "axb", "7", "vmess"], stdout: "Bandwidth limit set: axb = 7 MB (vmess)\n" },
  { args: ["remove", "a.b"], status: 3, stderr: "User a.b not found in bandwidth limit list\n" },
  { args: ["usage", "axb"], stdout: /\nLimit {8}: 7 MB\n/ },

  { args: ["set", "nobody", "5"], status: 3, stderr: "Cannot detect account type for nobody\n" },
  { args: ["reset", "nobody"], status: 3, stderr: NOT_FOUND },
  { args: ["usage", "nobody"], status: 3, stderr: NOT_FOUND },

  ...["10GB", "a[$(touch /tmp/sluice-was-here)]"].map(
    (limit): CommandRow => ({
      args: ["set", "alice", limit],
      status: 2,
      stderr: `cek-bw-limit: Cannot set the limit of "alice": expected whole megabytes, 0 for unlimited, got "${limit}"\n`,
    }),
  ),
  {
    args: ["add", "bob", "5", "pigeon"],
    status: 2,
    stderr: /expected a type of ssh, vmess, vless, trojan, ssws, openvpn, got "pigeon"/,
  },
  { args: ["usage", "alice"], stdout: /\nLimit {8}: 2048 MB\n/ },
];

/** Called with too little or too much: refused before anything is looked at, with status 2. */
export const WRONG_USAGE: readonly (readonly [args: readonly string[], stderr: string])[] = [
  [["add", "bob", "5"], "Usage: cek-bw-limit add <username> <limit_mb> <type>\n"],
  [["set", "bob"], "Usage: cek-bw-limit set <username> <limit_mb>\n"],
  [["remove"], "Usage: cek-bw-limit remove <username>\n"],
  [["reset"], "Usage: cek-bw-limit reset <username>\n"],
  [["disable"], "Usage: cek-bw-limit disable <username>\n"],
  [["enable"], "Usage: cek-bw-limit enable <username>\n"],
  [["usage"], "Usage: cek-bw-limit usage <username>\n"],
  [
    ["usage", "bob", "ann"],
    "error: too many arguments for 'usage'. Expected 1 argument but got 2: bob, ann.\nUsage: cek-bw-limit usage <username>\n",
  ],
];

export const SERVICE_STATUS =
  /^Service File +: EXISTS\nService Status +: RUNNING\nAuto-start +: DISABLED\nXray Service +: RUNNING\nXray API +: ACCESSIBLE\nSettings +: \/.*settings\.json\n\/.*\/usage +: EXISTS \(\d+ entries\)\n/;

export interface MenuRow {
  /** As it is typed at "Select menu :". */
  readonly choice: string;
  readonly answers?: readonly string[];
  /** What stands between this choice and the next menu. */
  readonly says: string | RegExp;
}

export const QUOTA_MENU: readonly MenuRow[] = [
  { choice: "1", says: /^NO {3}USERNAME .*\n(.*\n)*Total Users: \d+\n/ },
  { choice: "2", answers: ["bob"], says: /^Enter username: bob\nUsername {5}: bob\nAccount Type : xray\n/ },
  {
    choice: " 03 ",
    answers: ["nobody", "bob", "much", "77"],
    says: /Enter username: nobody\nCannot find user "nobody".*\nEnter username: bob\nEnter limit in MB \(0 for unlimited\): much\nCannot use "much": expected whole megabytes.*\n.*: 77\nBandwidth limit set: bob = 77 MB \(xray\)\n/,
  },
  { choice: "4", answers: ["bob"], says: /\nLimit removed for user: bob\n/ },
  { choice: "5", answers: ["bob"], says: /\nUsage reset for user: bob\n/ },
  {
    choice: "6",
    answers: ["n"],
    says: /cannot be undone.*\nAre you sure you want to reset ALL users\? \(y\/n\): n\nCancelled\n/,
  },
  { choice: "6", answers: ["y"], says: /\(y\/n\): y\nUsage reset for \d+ users\n/ },
  { choice: "7", answers: ["bob"], says: /\nXray user bob has been disabled\n/ },
  { choice: "008", answers: ["bob"], says: /\nXray user bob has been enabled\n/ },
  { choice: "9", says: SERVICE_STATUS },
  {
    choice: "11",
    answers: ["neo", "5", "pigeon", "ssh"],
    says: /Cannot use "pigeon".*\n.*ssh\nBandwidth limit set: neo = 5 MB \(ssh\)\n/,
  },
  {
    choice: "10",
    says: /^USERNAME +DAILY\(MB\) +TOTAL\(MB\) +LIMIT\(MB\) +REMAIN\(MB\) +TYPE +STATUS.*\n(.*\n)*neo +0 +0 +5 +5 +ssh +OK/,
  },
  { choice: "12", answers: ["neo", "9", "3"], says: /\nneo: limit 9\.00 MB 3\.00 MB\/day, ok\n/ },
  { choice: "13", answers: ["-rf", "neo"], says: /Cannot find user "-rf".*\n.*neo\nUser +neo\n/ },
  { choice: "14", answers: ["bob", "bub"], says: /Enter the username again to delete it: bub\nCancelled\n/ },
  { choice: "14", answers: ["bob", "bob"], says: /\nbob: account deleted\n/ },
];

export const HOSTS_MENU: readonly MenuRow[] = [
  {
    choice: "3",
    answers: ["WWW.Old.Example.", "Trojan"],
    says: /Enter service type \(SSH\/VMESS\/VLESS\/Trojan\/SNI\/Header-Host\/Proxy-Host\): Trojan\nAdded www\.old\.example \(TROJAN\)\.\n/,
  },
  {
    choice: "1",
    says: /^VPS Main Domain: own\.example\nVPS IP Address: .*\nHOST {25}SERVICE {6}SOURCE IP {8}CAPTURED DATE\nwww\.old\.example {14}TROJAN {7}N\/A {14}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\nTotal Captured Hosts: 1\n/,
  },
  {
    choice: "2",
    says: /^Scanning for request hosts\.\.\.\nVPS Main Domain: own\.example\n(.*\n)*Host capture complete!\n/,
  },
  { choice: "8", says: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}TROJAN {7}N\/A {13}www\.old\.example\n/ },
  {
    choice: "4",
    answers: ["www.old.example"],
    says: /www\.old\.example +TROJAN(.*\n)*Enter host to remove: www\.old\.example\nRemoved 1 of 1: www\.old\.example\n/,
  },
  { choice: "5", answers: ["y"], says: /\(y\/n\): y\nRemoved \d+ hosts\.\n/ },
  { choice: "6", says: /^The host capture is on \(host-capture\.service\)\.\n/ },
  { choice: "7", says: /^The host capture is off \(host-capture\.service\)\.\n/ },
];
