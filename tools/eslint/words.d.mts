export const words: Readonly<Record<string, string>>;
export function wordsIn(text: string): readonly { readonly at: number; readonly message: string }[];
export function wordsInMarkdown(markdown: string): readonly string[];
