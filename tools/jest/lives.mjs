/** Whether a process with that id runs. */
export function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is none of our runs, but it is alive.
    return error.code === 'EPERM';
  }
}
