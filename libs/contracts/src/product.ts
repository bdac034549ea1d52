/** Name and version of the product. */
export const product = { name: 'Readmit', version: '0.1.0' } as const;
