import type { ProblemDetails } from './problem.js';

/** Programs ask for JSON or for anything; browsers name HTML. */
export const wantsPage = (method: string, accept: string | undefined): boolean => method === 'GET' && /\btext\/html\b/.test(accept ?? '');

/** A problem for somebody who opened a link of the API in a browser: what it means, and the command that shows the same. */
export function problemPage({ title, detail = '' }: ProblemDetails, path: string): string {
  const [, caseId] = /\/cases\/([A-Za-z0-9_-]+)/.exec(path) ?? [];
  const command = caseId === undefined ? 'readmit --help' : `readmit case show ${caseId}`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Readmit: ${escaped(title)}</title>
<h1>${escaped(title)}</h1>
<p>${escaped(detail)}</p>
<p>This address is for programs. People use the command line, after <code>readmit login</code>: <code>${command}</code></p>
</html>
`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? '');
