/** Milliseconds that this process has computed: unlike the clock, it stands still while others have the core. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
