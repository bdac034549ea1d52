async function work(): Promise<number> {
  return 1;
}
work();
if (work()) throw new Error('always');
export const canary = await 1;
