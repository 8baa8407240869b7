/** All rows on the host capture: its parsers alone, then the built one as a process among packets. */
import { captureBulkRows } from "./capture-bulk-rows.ts";
import { captureLatencyRows } from "./capture-latency-rows.ts";
import { captureLoadRows } from "./capture-load-rows.ts";
import { openCaptureStage } from "./capture-stage.ts";
import { flowRows } from "./hosts-flows.ts";
import { parseRows } from "./hosts-parse.ts";
import { quicRows } from "./hosts-quic.ts";
import type { Row } from "./table.ts";

export async function* captureRows(quick: boolean): AsyncGenerator<Row> {
  yield* parseRows();
  yield* quicRows();
  yield* flowRows();
  if (process.getuid?.() !== 0) {
    yield { what: "Capture: packets", ratio: "", figures: "skipped: it takes root" };
    return;
  }
  await using stage = await openCaptureStage();
  yield* captureLatencyRows(stage, quick ? 50 : 200);
  yield* captureLoadRows(stage, quick ? 20_000 : 100_000);
  yield* captureBulkRows(stage, quick ? { rounds: 1, windowMs: 2_000 } : { rounds: 6, windowMs: 10_000 });
}
