/**
 * One routing rule that swallows the traffic of every cut user.
 *
 * It stops what RemoveUser cannot: new sub-streams over a mux connection that
 * is still open. The engine appends it behind the operator's own rules, so a
 * rule that matches earlier still wins; the enforcer says so. The list is
 * replaced by adding the new rule before the old one goes, so there is no
 * moment without one. Xray 1.8.10 and later; elsewhere there is no AddRule.
 */
import type { UserName } from "../../names.ts";
import { BLACKHOLE_TAG, CUT_RULES } from "../../sources/xray/gate-names.ts";
import { detailsOf, isUnimplemented, type Session } from "../../sources/xray/session.ts";
import { milliseconds } from "../../units.ts";
import { typedMessage } from "./user-message.ts";

const DEADLINE = milliseconds(5_000);

export class BlackholeRule {
  #session: Session | undefined;
  #present: { readonly tag: string; readonly users: string } | undefined;
  /** False once the engine said that it has no such service. */
  supported = true;

  /** Brings the engine's rule to exactly these users. @throws when the engine does not answer. */
  async set(session: Session, users: readonly UserName[]): Promise<void> {
    try {
      if (session !== this.#session) await this.#startOver(session);
      const wanted = users.join("\0");
      if (!this.supported || wanted === (this.#present?.users ?? "")) return;
      const before = this.#present?.tag;
      const tag = before === CUT_RULES[0] ? CUT_RULES[1] : CUT_RULES[0];
      if (wanted !== "") {
        await addOutbound(session);
        await addRule(session, tag, users);
      }
      if (before !== undefined) await removeRule(session, before);
      this.#present = wanted === "" ? undefined : { tag, users: wanted };
    } catch (error) {
      if (!isUnimplemented(error)) throw error;
      this.supported = false;
    }
  }

  /** An engine that outlived an earlier Sluice may still have its rules. Removing an unknown one is no error. */
  async #startOver(session: Session): Promise<void> {
    this.#session = session;
    this.#present = undefined;
    this.supported = true;
    for (const tag of CUT_RULES) await removeRule(session, tag);
  }
}

async function removeRule(session: Session, ruleTag: string): Promise<void> {
  await session.call("RoutingService", "RemoveRule", { ruleTag }, DEADLINE);
}

async function addOutbound(session: Session): Promise<void> {
  const proxySettings = typedMessage("xray", "proxy.blackhole.Config", "BlackholeConfig", {});
  try {
    await session.call(
      "HandlerService",
      "AddOutbound",
      { outbound: { tag: BLACKHOLE_TAG, proxySettings } },
      DEADLINE,
    );
  } catch (error) {
    if (!/exist/.test(detailsOf(error))) throw error;
  }
}

async function addRule(session: Session, ruleTag: string, users: readonly UserName[]): Promise<void> {
  const config = typedMessage("xray", "app.router.Config", "RouterConfig", {
    rule: [{ tag: BLACKHOLE_TAG, userEmail: users, ruleTag }],
  });
  await session.call("RoutingService", "AddRule", { config, shouldAppend: true }, DEADLINE);
}
