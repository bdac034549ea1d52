// at: libs/domain/src/canary.ts
export const canary = () => import('../kernel/facts.js');
