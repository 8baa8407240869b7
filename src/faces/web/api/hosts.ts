/** /api/v1/hosts: what the capture found, for admins; a list, and a file to take away. */
import { Hono } from "hono";
import { UnreachableError } from "../../../errors.ts";
import { needs, type WebEnv } from "../viewer.ts";
import type { HostEntry, HostsBody } from "../wire.ts";
import { queryOf } from "./answers.ts";
import { filteredHosts, hostsCsv, hostsText } from "./host-filter.ts";
import { HOST_EXPORT, HOST_LIST } from "./requests.ts";
import type { ApiSources } from "./sources.ts";

export function hostRoutes(sources: ApiSources): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();

  routes.get("/hosts", needs("admin"), async (context) => {
    const { account, offset, limit, ...filter } = queryOf(context, HOST_LIST);
    const { hosts, trouble } = await capturedHosts(sources, account);
    const found = filteredHosts(hosts, filter);
    return context.json({
      hosts: found.slice(offset, offset + limit),
      total: found.length,
      trouble,
    } satisfies HostsBody);
  });

  routes.get("/hosts/export", needs("admin"), async (context) => {
    const { account, format, ...filter } = queryOf(context, HOST_EXPORT);
    const { hosts, trouble } = await capturedHosts(sources, account);
    if (trouble !== "") throw new UnreachableError(trouble);
    const found = filteredHosts(hosts, filter);
    return context.body(format === "csv" ? hostsCsv(found) : hostsText(found), 200, {
      "Content-Type": format === "csv" ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8",
      "Content-Disposition": `attachment; filename="hosts.${format}"`,
    });
  });

  return routes;
}

/** @throws {RefusedRequestError} where the hosts of accounts are not kept. */
async function capturedHosts(
  { capture }: ApiSources,
  account: string | undefined,
): Promise<{ readonly hosts: readonly HostEntry[]; readonly trouble: string }> {
  const hosts: HostEntry[] = [];
  try {
    for await (const { host, service, source, time } of capture.rows(account)) {
      hosts.push({ host, service, source, time });
    }
    return { hosts, trouble: "" };
  } catch (error) {
    if (error instanceof UnreachableError) return { hosts: [], trouble: error.message };
    throw error;
  }
}
