export {
  askKinds, caseClasses, closed, evidenceKinds, oneOf, reasonCodes, stepKinds, tiers, undoKinds,
  Ask, Ceiling, Consumer, Decision, Digest, EvidenceNeed, EvidenceRef, Facet, Id, Instant, Person, PersonKey, Plan, PolicyRef,
  Proof, QuorumPart, RecipientKey, Requester, Requirements, Seconds, SealingKey, SigningKey, Statement, Step, Subject, Text, Undo,
} from './events/values.js';
export type { AskKind, CaseClass, EvidenceKind, StepKind, Tier, UndoKind } from './events/values.js';
export {
  catalogue, entryOf, eventTypes, isEventType, partitionsPerTopic, producerOfTopic, services, topicOf, topics,
} from './events/catalogue.js';
export type { Catalogue, CatalogueEntry, EndCause, EventData, EventType, Sensitivity, ServiceName } from './events/catalogue.js';
export type { Draft, Fact, FactOf } from './events/fact.js';
export { AddEvidence, ApprovalView, areaNames, CaseView, OpenCase, ParkedMessage, Problem, routes, serviceOfArea, TimelineEntry } from './http/api.js';
export type { Access, Area, CaseState, Route, RouteName } from './http/api.js';
export { Contact, Directory, DirectoryMachine, DirectoryPerson } from './directory.js';
