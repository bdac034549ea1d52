export function canary(tier: 'self-service' | 'two-person'): number {
  switch (tier) {
    case 'self-service':
      return 1;
  }
  return 0;
}
