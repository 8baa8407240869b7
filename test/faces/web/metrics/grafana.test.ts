/** The Grafana dashboard and the alert rules name nothing that is not exported. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { metricNamesIn, ratedIn } from "./promql.ts";
import { ALL_FAMILIES, ALL_NAMES } from "./scraped.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const RULES = join(ROOT, "docs/grafana/alerts.yaml");
const LABELS = new Set([
  ...ALL_FAMILIES.flatMap(({ samples }) => samples.flatMap(({ labels }) => Object.keys(labels))),
  "node",
]);

interface Dashboard {
  readonly __inputs: readonly { readonly name: string; readonly type: string }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly datasource?: { readonly uid: string };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const dashboard = JSON.parse(readFileSync(join(ROOT, "docs/grafana/dashboard.json"), "utf8")) as Dashboard;
const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

/** One alert, by its keys; the file keeps to the part of YAML that this reads. */
function alertsOf(text: string): readonly ReadonlyMap<string, string>[] {
  const [head, ...rules] = text.split(/^ {6}- (?=alert: )/m);
  expect(head?.replace(/^#.*\n/gm, "")).toBe("groups:\n  - name: sluice\n    rules:\n");
  return rules.map((rule) => {
    const pairs = rule
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [, key = "", value = ""] = /^(?: {8}| {10})?([a-z]+):(?: (.*))?$/.exec(line) ?? [];
        const quoted = /^'((?:[^']|'')*)'$/.exec(value)?.[1]?.replaceAll("''", "'");
        if (key === "" || (quoted === undefined && !/^[A-Za-z0-9]*$/.test(value)))
          throw new Error(`Cannot read the line ${line}`);
        return [key, quoted ?? value] as const;
      });
    return new Map(pairs);
  });
}

const alerts = alertsOf(readFileSync(RULES, "utf8"));

describe("metricNamesIn()", () => {
  test.each([
    ["sluice_up == 0", ["sluice_up"]],
    ['sum by (le, node) (rate(a_bucket{x="b_c",y=~"$d"}[$__rate_interval]))', ["a_bucket"]],
    ["a / (b > 0) and on (instance) c", ["a", "b", "c"]],
    ["time() - topk(10, a)", ["a"]],
    ["absent(a) or b offset 5m", ["a", "b"]],
  ])("of %s", (expression, names) => {
    expect(metricNamesIn(expression)).toEqual(names);
  });
});

describe("the dashboard", () => {
  test.each(expressions)("$title: $expr names what is exported", ({ expr, legendFormat }) => {
    const names = metricNamesIn(expr);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !ALL_NAMES.has(name))).toEqual([]);
    expect(ratedIn(expr).filter((name) => !/_(?:total|bucket)$/.test(name))).toEqual([]);
    expect(names.filter((name) => name.endsWith("_total") && !ratedIn(expr).includes(name))).toEqual([]);
    expect([...expr.matchAll(/\[([^\]]*)\]/g)].every(([, span]) => span === "$__rate_interval")).toBe(true);
    const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
    expect(labels.filter((label) => !LABELS.has(label))).toEqual([]);
  });

  test("asks for its data source and lets nodes and users be chosen", () => {
    expect(dashboard.__inputs).toMatchObject([{ name: "DS_PROMETHEUS", type: "datasource" }]);
    const own = dashboard.panels.filter(({ type }) => type !== "row");
    expect(own.every(({ datasource }) => datasource?.uid === "$" + "{DS_PROMETHEUS}")).toBe(true);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const variables = dashboard.templating.list.map(({ name, definition }) => {
      const [, metric = "", label] = /^label_values\((\w+)(?:\{[^}]*\})?, (\w+)\)$/.exec(definition) ?? [];
      return [name, ALL_NAMES.has(metric), label];
    });
    expect(variables).toEqual([
      ["node", true, "node"],
      ["user", true, "user"],
    ]);
  });
});

describe("the alert rules", () => {
  test.each(alerts.map((alert) => [alert.get("alert") ?? "", alert] as const))(
    "%s names what is exported",
    (name, alert) => {
      const expr = alert.get("expr") ?? "";
      expect([...alert.keys()]).toEqual([
        "alert",
        "expr",
        "for",
        "labels",
        "severity",
        "annotations",
        "summary",
        "description",
      ]);
      expect(name).toMatch(/^Sluice[A-Z][A-Za-z]+$/);
      expect(alert.get("for")).toMatch(/^\d+[smh]$/);
      expect(["critical", "warning", "info"]).toContain(alert.get("severity"));
      expect(metricNamesIn(expr).length).toBeGreaterThan(0);
      expect(metricNamesIn(expr).filter((each) => !ALL_NAMES.has(each))).toEqual([]);
      expect(ratedIn(expr).filter((each) => !/_(?:total|bucket)$/.test(each))).toEqual([]);
      const labels = [...`${alert.get("summary")}${alert.get("description")}`.matchAll(/\$labels\.(\w+)/g)];
      expect(labels.filter(([, label = ""]) => !LABELS.has(label))).toEqual([]);
    },
  );

  test("are each there once", () => {
    const names = alerts.map((alert) => alert.get("alert"));
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(10);
  });
});
