import type { Tier } from '@readmit/contracts';

const order: Readonly<Record<Tier, number>> = { 'self-service': 0, 'agent-assisted': 1, 'two-person': 2 };
/** Least demanding first. */
export const tiers = Object.keys(order) as readonly Tier[];
/** 0 is the least demanding. */
export const tierOrder = (tier: Tier): number => order[tier];
