import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { LiveClient } from "../../../../src/faces/web/live/live-client.ts";
import { VIEWER } from "./opened-hub.ts";

const MB = 1 << 20;

test("LiveClient tells changes behind a long list that is still on its way, and all again only when it has arrived", () => {
  const sent: number[] = [];
  const socket = Object.assign(new EventEmitter(), {
    bufferedAmount: 0,
    send: (text: Buffer) => sent.push(text.length),
  });
  const client = new LiveClient(socket as unknown as WebSocket, VIEWER);
  const told = (waiting: number, length: number) => {
    socket.bufferedAmount = waiting;
    client.tell(Buffer.alloc(length));
    return [sent.splice(0), client.fresh];
  };
  expect(told(0, 3 * MB)).toEqual([[3 * MB], false]);
  expect(told(3 * MB, 10)).toEqual([[10], false]);
  expect(told(4 * MB + 1, 20)).toEqual([[], true]);
  expect(told(MB, 3 * MB)).toEqual([[], true]);
  expect(told(0, 3 * MB)).toEqual([[3 * MB], false]);
});
