/**
 * Exit code 0 while the service of this container is ready; for health checks of images that have no curl. Asks the address that the
 * service listens on, as its own settings say.
 */
const port = process.env.PORT || '8081';
const host = !process.env.HOST || process.env.HOST === '0.0.0.0' ? '127.0.0.1' : process.env.HOST;
try {
  const response = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/health/ready`, {
    signal: AbortSignal.timeout(4000),
  });
  // Docker keeps what is printed beside the health of the container.
  process.stdout.write(`${response.status} ${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer: ${error.cause?.code ?? error.name}\n`);
  process.exitCode = 1;
}
