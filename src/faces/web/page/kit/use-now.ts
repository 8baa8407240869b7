/** The time, for what goes on by itself: how long something lasts. */
import { useEffect, useState } from "preact/hooks";

/** @returns ms since 1970, anew every second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
