// What may come next in a command line. Pure: the line so far in, suggestions out.
const FILES = ["image", "images", "file"];

/** The command a line runs: the one it names, else imagine. */
export function commandOf(text, commands) {
  const name = /^\s*\/(\w+)/.exec(text)?.[1]?.toLowerCase() ?? "imagine";
  return commands.find((c) => c.name === name);
}

const starts = (value, typed) => value.toLowerCase().startsWith(typed.toLowerCase());

function values(option, typed) {
  const known = option.choices.length ? option.choices : option.suggest;
  return known
    .filter((value) => starts(value, typed) && value !== typed)
    .map((value) => ({ insert: value, label: value, note: "" }));
}

/**
 * Suggestions for the end of `text`: { from, items, lookup }. `from` is where the replaced word begins; `lookup` names the option
 * whose values the server knows.
 */
export function suggest(text, commands) {
  const named = /^\/(\w*)$/.exec(text);
  if (named) {
    const items = commands
      .filter((c) => starts(c.name, named[1]))
      .map((c) => ({ insert: `/${c.name}`, label: `/${c.name}`, note: c.summary, command: c }));
    return { from: 0, items, naming: true };
  }
  const command = commandOf(text, commands);
  if (!command) return { from: 0, items: [] };
  const flag = /(?:^|\s)(?:--|[—–])([a-z]*)$/i.exec(text);
  if (flag) {
    const options = command.options.filter(
      (o) => !o.main && !FILES.includes(o.kind) && starts(o.name, flag[1]),
    );
    return {
      from: text.length - flag[0].trimStart().length,
      items: options.map((o) => ({ insert: `--${o.name}`, label: `--${o.name}`, note: o.description })),
    };
  }
  const valued = /(?:--|[—–])(\w+)\s+(\S*)$/.exec(text);
  const option = valued && command.options.find((o) => o.name === valued[1] && o.kind !== "flag");
  if (option)
    return {
      from: text.length - valued[2].length,
      items: values(option, valued[2]),
      lookup: option.lookup && { command, option, typed: valued[2] },
    };
  const main = command.options.find((o) => o.main && o.lookup);
  const rest = /^\s*\/\w+\s+(\S*)$/.exec(text);
  if (main && rest)
    return {
      from: text.length - rest[1].length,
      items: [],
      lookup: { command, option: main, typed: rest[1] },
    };
  return { from: text.length, items: [] };
}
