/**
 * Whether an object in JSON text has a name twice: `JSON.parse` takes the last one, other readers the first, so that the same bytes say two things.
 * `text` MUST be text that `JSON.parse` takes.
 */
export function repeatsName(text: string): boolean {
  const names: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (one === '{') names.push(new Set());
    else if (one === '}') names.pop();
    else if (one === '"') {
      const from = at;
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
      let behind = at + 1;
      while (' \t\r\n'.includes(text[behind] ?? '-')) behind++;
      // A string with a colon behind it is a name.
      if (text[behind] !== ':') continue;
      const name = JSON.parse(text.slice(from, at + 1)) as string;
      if (names.at(-1)?.has(name)) return true;
      names.at(-1)?.add(name);
    }
  }
  return false;
}
