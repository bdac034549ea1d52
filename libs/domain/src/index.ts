export { Facts } from './kernel/facts.js';
export { recipientKeyFault } from './kernel/public-key.js';
export { refusal, say } from './kernel/behaviour.js';
export type { Command, Context, Crypto, Put, React, Reaction, Refusal, WorkDraft } from './kernel/behaviour.js';
export type { ServiceProcess } from './kernel/process.js';
export { lanes, ResultUnstorable, retryAfter } from './kernel/work.js';
export type { Begun, Finished, Lane, Outcome, Work, WorkRules } from './kernel/work.js';
export { askTable, claimsAccount, isExclusive, needsCaseKey, reachOf, serves, stepTable, voidsSecret } from './kernel/restorations.js';
export { isAnswered, latestDue } from './kernel/questions.js';
export { blankReason } from './kernel/says-nothing.js';
export { clockToleranceSeconds, instant, plusSeconds, reached } from './kernel/time.js';
export { decisionPayloadType, quorumMet, quorumProgress } from './decision-proof/decision-proof.js';
export { mayEndCase, mayReadCase, operatorTeam, readersOf, readsEveryCase } from './decision-proof/parties.js';
export type { WhoEnds } from './decision-proof/parties.js';
export { verifierProblem } from './decision-proof/verifier.js';
export { attestedOf } from './decision-proof/attested.js';
export { codeOf, evidenceDigest, needsMet, proofDigest, refsOf, wordsOf } from './evidence/evidence.js';
export { unservable } from './restoration-plan/ceiling.js';
export { buildPlan } from './restoration-plan/build-plan.js';
export type { AskParts, PlanParts } from './restoration-plan/build-plan.js';
export type { Capabilities } from './restoration-plan/capabilities.js';
export { changedBeside, changedSince, doingsOf, endsOf, explainedBy, overRestored } from './restoration-plan/compare-target.js';
export { executionReact, gateWaitsFor, isOver, planGranted, stopped, watched } from './restoration-plan/execution.react.js';
export {
  answerTo,
  didNothing,
  heldBy,
  holders,
  holdId,
  holdKey,
  holdsOf,
  isEnding,
  madeFor,
  reliedOn,
  secretHold,
  stillHolds,
} from './restoration-plan/holds.js';
export type { Holder } from './restoration-plan/holds.js';
export { executionProcess } from './restoration-plan/execution.process.js';
export type { ExecutionReports } from './restoration-plan/execution.process.js';
export { targetChange } from './restoration-plan/restore.work.js';
export type { Made, Restored, SealedRow, SealedSecret } from './restoration-plan/restore.work.js';
export { TargetError } from './restoration-plan/target.js';
export type { Observed, Sealed, Seen, UndoResult } from './restoration-plan/target.js';
export { questionOf } from './restoration-plan/undo.work.js';
export { verifyIntent } from './restoration-plan/intent.js';
export { recipientsOf } from './grant-judgement/recipients.js';
export { attest, attestOne } from './classification/attest.js';
export { classificationProcess } from './classification/classification.process.js';
export type { ClassificationReports } from './classification/classification.process.js';
export type { DrawnCode } from './classification/classify.work.js';
export { agentKeys, contactProblem, lookKeys, notClassified, showContact } from './classification/contact.commands.js';
export { contactDigests } from './classification/contact-digests.js';
export type { ContactPoint } from './classification/contact-digests.js';
export { allowedAge } from './classification/directory-age.js';
export { activatePolicy } from './classification/policy.commands.js';
export type { ActivePolicy } from './classification/policy.commands.js';
export { classify } from './classification/classify.js';
export { directoryFaults } from './classification/directory-faults.js';
export { masked } from './classification/masked.js';
export { policyFaults } from './classification/policy-floor.js';
export { lookupOf } from './classification/lookup.js';
export type { DirectoryFacts } from './classification/classify.js';
export { approvalProcess } from './approval-request/approval.process.js';
export { approvalReact } from './approval-request/approval.react.js';
export { approvalState, approvalsFor, decisionsFor, planOf, requestFor } from './approval-request/approval.state.js';
export type { ApprovalState } from './approval-request/approval.state.js';
export { waitingIn } from './approval-request/inbox.js';
export type { Waiting } from './approval-request/inbox.js';
export { look, standing } from './approval-request/attestation.js';
export { addEvidence, decide, withdraw } from './approval-request/approval.commands.js';
export { schedulerProcess } from './revocation-obligation/scheduler.process.js';
export { deadlineKey } from './revocation-obligation/scheduler.facts.js';
export { schedulerReact } from './revocation-obligation/scheduler.react.js';
export { obligationsOf, obligationState } from './revocation-obligation/obligations.js';
export type { Obligation } from './revocation-obligation/obligations.js';
export { contain, containPreview, endEarly, endPreview, nothingOpen, unknownCase } from './revocation-obligation/scheduler.commands.js';
export { caseReact } from './recovery-case/case.react.js';
export { caseRow, caseView, shownToKey } from './case-view/case-view.js';
export type { CaseRow, CaseView } from './case-view/case-view.js';
export { decidedIn, needsOf, proofText } from './case-view/needs.js';
export { outcomeOf } from './recovery-case/case-outcome.js';
export type { NoticeAbout } from './recovery-case/case-notices.js';
export { assuranceName, durationText, sentenceOf } from './case-view/sentences.js';
export type { CaseWords } from './case-view/sentences.js';
export { timelineOf } from './case-view/timeline.js';
export type { IntakeFacts } from './recovery-case/intake.facts.js';
export { intakeProcess } from './recovery-case/intake.process.js';
export type { IntakeReports } from './recovery-case/intake.process.js';
export { letterOf } from './recovery-case/notice-letter.js';
export type { NoticeSent } from './recovery-case/notice.work.js';
export { keepingRefusal, openCase } from './recovery-case/open-case.commands.js';
export { announceParked, publishSignal, signalIdOf, signalKey } from './recovery-case/signal.commands.js';
export type { Redriven } from './recovery-case/signal.commands.js';
export { freezeBySignal, repudiate } from './recovery-case/case.commands.js';
export { auditProcess } from './audit-log/audit.process.js';
export { entryBytes, leafOf } from './audit-log/leaf.js';
export type { Leaf } from './audit-log/leaf.js';
export { checkpointText, logKey, openCheckpoint, parseVkey, signNote, vkeyOf } from './audit-log/checkpoint.js';
export type { LogKey } from './audit-log/checkpoint.js';
export { checkpointLine, entryLine, exportFormat, headerLine, isLoggedHeader, readLine } from './audit-log/export-lines.js';
export type { ExportHeader } from './audit-log/export-lines.js';
export { verifyExport } from './audit-log/verify-export.js';
export type { LogReport } from './audit-log/log-report.js';
export { defaultGraceSeconds, findingsAhead, judgeCase, judgeStillHeld } from './audit-log/case-rules.js';
export type { LoggedFact } from './audit-log/case-log.js';
export type { Finding } from './audit-log/finding.js';
export { cefOf } from './audit-log/ocsf/cef.js';
export { ocsfOf } from './audit-log/ocsf/project.js';
export type { OcsfEvent } from './audit-log/ocsf/event.js';
export { foldCase } from './audit-log/ocsf/whose.js';
export type { KnownCase } from './audit-log/ocsf/whose.js';
export type { CheckedEvent, EventChecks, LoggedRecord, LogTools } from './audit-log/tools.js';
