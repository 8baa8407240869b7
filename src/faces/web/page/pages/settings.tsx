/** Settings: not there yet. */
import { Notice } from "../kit/notice.tsx";

export function Page() {
  return (
    <>
      <h1>Settings</h1>
      <Notice kind="info">This page is not there yet.</Notice>
    </>
  );
}
