//! Why a gate is closed and why a step is taken: one word each, for programs. They never change.

// Gates.
pub const ANOTHER_RUNS: &str = "AnotherRuns";
pub const APPLICATION_LEAVES: &str = "ApplicationLeaves";
pub const ASKED_BEFORE_FAILURE: &str = "AskedBeforeFailure";
pub const BLOCKED: &str = "Blocked";
pub const BRAKED: &str = "DeletionBrake";
pub const CHECK_FAILED: &str = "CheckFailed";
pub const CHECK_PENDING: &str = "CheckPending";
pub const CLUSTER_UNREACHABLE: &str = "ClusterUnreachable";
pub const COMES_AFTER_ITSELF: &str = "ComesAfterItself";
pub const DIGEST_DIFFERS: &str = "DigestDiffers";
pub const FAILED_BEFORE: &str = "FailedBefore";
pub const FROZEN: &str = "Frozen";
pub const HELD: &str = "Held";
pub const IRREVERSIBLE: &str = "Irreversible";
pub const LEFT_TOO_EARLY: &str = "LeftTooEarly";
pub const MISTAKE: &str = "Mistake";
pub const NEEDS_APPROVAL: &str = "NeedsApproval";
pub const NEVER_THERE: &str = "NeverThere";
pub const NO_APPLICATION: &str = "NoApplication";
pub const NO_ARTIFACT: &str = "NoArtifact";
pub const NO_CLUSTER: &str = "NoCluster";
pub const NO_PROVENANCE: &str = "NoProvenance";
pub const NO_STAGE: &str = "NoStage";
pub const NO_TENANT: &str = "NoTenant";
pub const NO_FREEZE: &str = "NoFreeze";
pub const NOT_BACK: &str = "NotBack";
pub const NOT_READY_BEFORE: &str = "NotReadyBefore";
pub const NOT_SHOWN: &str = "PlanNotShown";
pub const NOT_THERE_BEFORE: &str = "NotInStageBefore";
pub const NOT_VERIFIED: &str = "NotVerified";
pub const OLDER: &str = "Older";
pub const OTHERS_FIRST: &str = "OthersFirst";
pub const REJECTED: &str = "Rejected";
pub const SAME_RELEASE: &str = "SameRelease";
pub const SOAKING: &str = "Soaking";
pub const TAKEN_BACK: &str = "TakenBack";
pub const TENANT_NOT_READY: &str = "TenantNotReady";
pub const VERIFICATION_RUNS: &str = "VerificationRuns";

// The board.
pub const DRIFTED: &str = "Drifted";
pub const NOBODY_ASKED: &str = "NobodyAsked";
pub const NOT_READY: &str = "NotReady";

// Steps.
pub const ABORTED: &str = "Aborted";
pub const ALL_OPEN: &str = "AllGatesOpen";
pub const CHANGED_SETTINGS: &str = "ChangedSettings";
pub const DOOMED: &str = "Doomed";
pub const FAILED: &str = "Failed";
pub const NEEDED: &str = "PlanNeeded";
pub const NEW_ARTIFACT: &str = "NewArtifact";
pub const NEXT_WAVE: &str = "NextWave";
pub const NOTHING_TO_DO: &str = "NothingToDo";
pub const PLAN_CHANGED: &str = "PlanChanged";
pub const ROLLED_BACK: &str = "RolledBack";
pub const ROLLBACK_HOLDS: &str = "RollbackHolds";
pub const SUCCEEDED: &str = "Succeeded";
pub const SUCCEEDED_WITHIN_BUDGET: &str = "SucceededWithinBudget";
pub const SUPERSEDED: &str = "Superseded";
