// at: libs/bus/src/canary.ts
// eslint-disable-next-line eqeqeq -- nothing to disable
export const canary = 1;
