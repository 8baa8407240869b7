/** Overview: not there yet. */
import { Notice } from "../kit/notice.tsx";

export function Page() {
  return (
    <>
      <h1>Overview</h1>
      <Notice kind="info">This page is not there yet.</Notice>
    </>
  );
}
