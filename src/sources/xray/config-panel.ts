/**
 * Tells whether a panel keeps an engine's config: then the file is written anew
 * from its database, at every start or change, and an edit would be lost.
 *
 * Pure: no clock, no I/O.
 */
export interface OwnershipSigns {
  /** The config's file, if it is in one. */
  readonly path: string | undefined;
  /** The engine's arguments, program first; empty if it does not run. */
  readonly argv: readonly string[];
  /** The executable of the process that started it, without its folder. */
  readonly parent: string | undefined;
}

/** The panel's name, or undefined for a file of the operator's own. */
export function panelOf({ path, argv, parent }: OwnershipSigns): string | undefined {
  const program = argv[0] ?? "";
  const files = [program, path ?? ""];
  const panel = PANELS.find(
    ({ folders, parents }) =>
      files.some((file) => folders.some((folder) => file.startsWith(folder))) ||
      (parent !== undefined && parents.includes(parent)),
  );
  if (panel) return panel.name;
  // Marzban and its nodes write it to the engine's standard input, Remnawave's hand it out over a socket.
  const handed = argv.some((argument) =>
    /^(?:--?c(?:onfig)?=)?(?:stdin:$|https?:|http\+unix:)/.test(argument),
  );
  return handed ? "a panel (the engine is handed its config instead of reading a file)" : undefined;
}

/** Where they install themselves, and what starts the engine for them. */
const PANELS: readonly {
  readonly name: string;
  readonly folders: readonly string[];
  readonly parents: readonly string[];
}[] = [
  { name: "3x-ui", folders: ["/usr/local/x-ui/"], parents: ["x-ui", "3x-ui"] },
  {
    name: "Marzban",
    folders: ["/var/lib/marzban/", "/opt/marzban/", "/var/lib/marzban-node/", "/opt/marzban-node/"],
    parents: ["marzban", "marzban-node"],
  },
  {
    name: "PasarGuard",
    folders: ["/var/lib/pg-node/", "/opt/pg-node/", "/opt/pasarguard/"],
    parents: ["pg-node"],
  },
  { name: "Remnawave", folders: ["/opt/remnanode/", "/opt/remnawave/"], parents: ["remnanode"] },
  { name: "Hiddify", folders: ["/opt/hiddify-manager/", "/opt/hiddify-config/"], parents: ["hiddify-panel"] },
];
