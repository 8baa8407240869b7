/** A table of perhaps thousands of rows: the first are drawn, and more when they are asked for. */
import { useSignal } from "@preact/signals";
import { whole } from "../format.ts";
import { Table, type TableProps } from "./table.tsx";

const STEP = 200;

export function LongTable<Row>({ rows, ...table }: TableProps<Row>) {
  const most = useSignal(STEP);
  const left = rows.length - most.value;
  return (
    <>
      <Table {...table} rows={rows.slice(0, most.value)} />
      {left > 0 && (
        <button
          type="button"
          onClick={() => {
            most.value += STEP;
          }}
        >
          Show {whole(Math.min(STEP, left))} more of {whole(left)}
        </button>
      )}
    </>
  );
}
