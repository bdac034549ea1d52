/** Two names that a person takes for one: they differ by case or by Unicode form alone (NFKC). */
export const folded = (name: string): string => name.normalize('NFKC').toLowerCase();
