/** Signing in; until there is somebody who could, how to make him. */
import { useSignal } from "@preact/signals";
import { Field } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { useOrder } from "../kit/use-order.ts";
import { findOutWhoIsSignedIn, signIn } from "../session.ts";

interface SignInProps {
  readonly ready: boolean;
  /** He was signed in until now. */
  readonly ended: boolean;
}

export function SignIn({ ready, ended }: SignInProps) {
  return (
    <main class="alone">
      <h1>Sluice</h1>
      {ready ? <SignInForm ended={ended} /> : <FirstAdmin />}
    </main>
  );
}

function SignInForm({ ended }: { readonly ended: boolean }) {
  const name = useSignal("");
  const password = useSignal("");
  const order = useOrder();
  const submit = (event: Event): void => {
    event.preventDefault();
    order.run(() => signIn(name.value, password.value));
  };
  return (
    <form onSubmit={submit}>
      {ended && <Notice kind="info">Your login has ended. Sign in to go on where you were.</Notice>}
      <Field
        label="Name"
        value={name.value}
        onInput={(text) => (name.value = text)}
        autocomplete="username"
        required
        isName
        autofocus
      />
      <Field
        label="Password"
        type="password"
        value={password.value}
        onInput={(text) => (password.value = text)}
        autocomplete="current-password"
        required
      />
      {order.error !== "" && <Notice kind="error">{order.error}</Notice>}
      <button type="submit" class="main" disabled={order.busy}>
        Sign in
      </button>
    </form>
  );
}

function FirstAdmin() {
  return (
    <>
      <p>Nobody can sign in yet. On the server, as root:</p>
      <pre>sluice admin add NAME</pre>
      <button type="button" onClick={() => void findOutWhoIsSignedIn()}>
        Look again
      </button>
    </>
  );
}
