/** Whether a process with that id exists. */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is not a test run, but it exists.
    return error.code === 'EPERM';
  }
}
