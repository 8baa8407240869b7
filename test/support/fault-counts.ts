/** How often a fault is repeated: a few times with the other tests, often under `npm run fault`. */
export const isFull = process.env["FAULT_FULL"] === "1";

/** @param override an environment variable that holds another count. */
export function countOf(few: number, full: number, override?: string): number {
  const wanted = override === undefined ? undefined : process.env[override];
  return wanted === undefined ? (isFull ? full : few) : Number(wanted);
}
