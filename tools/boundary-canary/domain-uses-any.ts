// at: libs/domain/src/canary.ts
export const canary = (value: any): string => value!.name;
