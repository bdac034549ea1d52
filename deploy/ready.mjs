/**
 * Exit code 0 while the service of this container is ready; for health checks in images without curl. Uses the address that the service
 * listens on, from its own settings.
 */
const port = process.env.PORT || '8081';
const host = !process.env.HOST || process.env.HOST === '0.0.0.0' ? '127.0.0.1' : process.env.HOST;
try {
  const response = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/health/ready`, {
    signal: AbortSignal.timeout(4000),
  });
  // Docker stores the output with the health of the container.
  process.stdout.write(`${response.status} ${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no response: ${error.cause?.code ?? error.name}\n`);
  process.exitCode = 1;
}
