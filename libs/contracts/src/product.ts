/** What calls itself by this name, and in which release. */
export const product = { name: 'Readmit', version: '0.1.0' } as const;
