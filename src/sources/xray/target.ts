/** An API address of the settings in grpc-js's form: a path is a Unix socket, "@name" an abstract one. */
export function targetOf(api: string): string {
  if (api.startsWith("/")) return `unix:${api}`;
  if (api.startsWith("@")) return `unix-abstract:${api.slice(1)}`;
  return api;
}
