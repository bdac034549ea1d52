export {
  askKinds,
  capabilities,
  caseClasses,
  closed,
  evidenceKinds,
  oneOf,
  reasonCodes,
  stepKinds,
  tiers,
  undoKinds,
  Ask,
  Ceiling,
  Consumer,
  Decision,
  Digest,
  EvidenceNeed,
  EvidenceRef,
  Facet,
  Id,
  Instant,
  Person,
  PersonKey,
  Plan,
  PolicyRef,
  Proof,
  QuorumPart,
  RecipientKey,
  Requester,
  Requirements,
  Seconds,
  SealingKey,
  SigningKey,
  Statement,
  Step,
  Subject,
  Text,
  Undo,
  Undone,
  Given,
  Identity,
  SpokenCode,
  idPattern,
} from './events/values.js';
export { idFault, isId } from './events/id.js';
export type { AskKind, Capability, CaseClass, ConnectorNeeds, EvidenceKind, StepKind, Tier, UndoKind } from './events/values.js';
export {
  auditOcsfTopic,
  catalogue,
  entryOf,
  keyOf,
  eventTypes,
  isEventType,
  partitionsPerTopic,
  producerOfTopic,
  topicOf,
  topics,
  topicsWrittenBy,
} from './events/catalogue.js';
export {
  aclSpecs,
  kafkaName,
  principals,
  providerByteRate,
  providerPrincipal,
  retentionDays,
  servicePrincipal,
  siemPrincipal,
  signalTopicOf,
  topicsConsumedBy,
  topicSpecs,
} from './events/topology.js';
export type { AclSpec, TopicSpec, TopologyOptions } from './events/topology.js';
export { product } from './product.js';
export type { Catalogue, EventData, EventType, OwnEvents, ProducedBy } from './events/catalogue.js';
export type { CommonKind } from './events/every-service.events.js';
export { services } from './events/entry.js';
export type { CatalogueEntry, Sensitivity, ServiceName } from './events/entry.js';
export type { EndCause } from './events/revocation-scheduler.events.js';
export type { Draft, Fact, FactOf } from './events/fact.js';
export { AddEvidence, ApprovalView } from './http/approval-shapes.js';
export { CaseView, OpenCase, TimelineEntry } from './http/case-shapes.js';
export { stateFilters } from './http/case-shapes.js';
export type { CaseState, StateFilter } from './http/case-shapes.js';
export { methodsAt, Problem, routes } from './http/api.js';
export type { RouteName } from './http/api.js';
export { areaNames, ParkedMessage, serviceOfArea } from './http/parked-routes.js';
export type { Area } from './http/parked-routes.js';
export type { Access, Route } from './http/route.js';
export { InboxItem } from './http/inbox-shapes.js';
export { Contact, Directory, DirectoryMachine, DirectoryPerson, DirectorySource, directoryType } from './directory.js';
export {
  consistencyProof,
  Frontier,
  hashLength,
  inclusionPath,
  leafHash,
  merkleRoot,
  nodeHash,
  placesAbove,
  rootFromInclusion,
  sameBytes,
  verifyConsistency,
} from './merkle.js';
export type { Sha256, SizedRoot } from './merkle.js';
export { ClassPolicy, Policy } from './policy.js';
export {
  contentType,
  isEnvironment,
  isKey,
  knownType,
  readEnvelope,
  signatureHeader,
  isTraceparent,
  traceHeader,
  writeEnvelope,
} from './envelope/attributes.js';
export type { Envelope } from './envelope/attributes.js';
export { leafSize, leafText, writeLeaf } from './envelope/leaf.js';
export type { LeafRecord } from './envelope/leaf.js';
export {
  batchPae,
  batchPayloadType,
  decodeBatchSignature,
  encodeBatchSignature,
  keyIdLength,
  maxLeaves,
  treeWithPaths,
} from './envelope/batch-signature.js';
export type { BatchSignature } from './envelope/batch-signature.js';
export { KeyList, keyListType, ServiceKey } from './envelope/key-list.js';
export { IdempotencyKey, idempotencyHeader, idempotencyKeyOf } from './http/idempotency.js';
export { makeProof, ProofClaims, proofFault, proofFreshSeconds, proofHeader, proofSkewSeconds, proofType } from './http/proof.js';
export type { ProofFault, ProofHeader, ProofKey } from './http/proof.js';
export { openapi } from './http/openapi.js';
export { maxDepth, nestsTooDeep } from './json-depth.js';
export { repeatsName } from './json-names.js';
export {
  isSignalType,
  providerOfSignalTopic,
  SignalEvent,
  signalGroup,
  signalLimits,
  signalRefusals,
  signalTypeNames,
  signalTypes,
} from './signals/signal.js';
export type { Signal, SignalKind, SignalRefusal, SignalType } from './signals/signal.js';
export { betweenValues } from './signals/cloud-event.js';
export type { EventBinding, EventMessage, RefusedEvent } from './signals/cloud-event.js';
export { readSignal } from './signals/read-signal.js';
export type { ReadOptions, SignalProviders } from './signals/read-signal.js';
export { asyncapi } from './asyncapi.js';
export type { GoldenSample } from './asyncapi.js';
export { descriptionOf } from './events/event-descriptions.js';
