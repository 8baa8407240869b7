/** Where a command's answer goes: a person's text, or JSON for programs. */
export function answer(options: { readonly json?: boolean }, value: unknown, text: () => string): void {
  process.stdout.write(`${options.json ? JSON.stringify(value, null, 2) : text()}\n`);
}
