import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import type { JsonFile } from '../state/json-file.js';

/** Protocol records of the issuer (device codes, interactions, sessions of pages) by `model:id`. */
export type ProtocolState = Record<string, { readonly payload: AdapterPayload; readonly until?: number }>;

/** Keeps the records of oidc-provider in a file, so that a sign-in that is under way survives a restart. */
export function protocolAdapter(state: JsonFile<ProtocolState>): AdapterFactory {
  const live = (key: string): AdapterPayload | undefined => {
    const kept = Object.hasOwn(state.value, key) ? state.value[key] : undefined;
    return kept && (kept.until === undefined || Date.now() < kept.until) ? kept.payload : undefined;
  };
  const first = (model: string, wanted: (payload: AdapterPayload) => boolean) => {
    const key = Object.keys(state.value).find((each) => each.startsWith(`${model}:`) && wanted(live(each) ?? {}));
    return key === undefined ? undefined : live(key);
  };
  const forgetEnded = () => {
    for (const [key, { until }] of Object.entries(state.value)) if (until !== undefined && until <= Date.now()) delete state.value[key];
  };
  return (model): Adapter => ({
    upsert: (id, payload, expiresIn) => {
      forgetEnded();
      state.value[`${model}:${id}`] = { payload, ...(expiresIn === undefined ? {} : { until: Date.now() + expiresIn * 1000 }) };
      return state.save();
    },
    find: (id) => Promise.resolve(live(`${model}:${id}`)),
    findByUid: (uid) => Promise.resolve(first(model, (payload) => payload.uid === uid)),
    findByUserCode: (userCode) => Promise.resolve(first(model, (payload) => payload.userCode === userCode)),
    consume: (id) => {
      const payload = live(`${model}:${id}`);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      return state.save();
    },
    destroy: (id) => {
      delete state.value[`${model}:${id}`];
      return state.save();
    },
    revokeByGrantId: (grantId) => {
      for (const [key, { payload }] of Object.entries(state.value)) if (payload.grantId === grantId) delete state.value[key];
      return state.save();
    },
  });
}
