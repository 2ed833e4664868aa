//! The words that choose between fixed possibilities, each list in the order it is shown.
//!
//! Invariant: every value of an enum has exactly one word, so that writing a schedule down loses nothing.

use crate::calendar::{DialectChoice, End, Ends};
use crate::spec::{DeliveryGuarantee, MisfirePolicy, OnHookError, OverlapPolicy, RunSession, Silence};

/// Words with what they mean.
pub(in crate::spec) type Words<T> = &'static [(&'static str, T)];

/// `misfire_policy`.
pub(in crate::spec) const MISFIRE: Words<MisfirePolicy> =
    &[("fire_once", MisfirePolicy::FireOnce), ("skip", MisfirePolicy::Skip), ("fire_all", MisfirePolicy::FireAll)];

/// `overlap_policy`.
pub(in crate::spec) const OVERLAP: Words<OverlapPolicy> = &[
    ("skip", OverlapPolicy::Skip),
    ("buffer_one", OverlapPolicy::BufferOne),
    ("buffer_all", OverlapPolicy::BufferAll),
    ("cancel_other", OverlapPolicy::CancelOther),
    ("allow_all", OverlapPolicy::AllowAll),
];

/// `delivery`.
pub(in crate::spec) const DELIVERY: Words<DeliveryGuarantee> =
    &[("at_least_once", DeliveryGuarantee::AtLeastOnce), ("at_most_once", DeliveryGuarantee::AtMostOnce)];

/// `session`.
pub(in crate::spec) const SESSION: Words<RunSession> =
    &[("isolated", RunSession::Isolated), ("conversation", RunSession::Conversation)];

/// `on_hook_error`.
pub(in crate::spec) const ON_HOOK_ERROR: Words<OnHookError> =
    &[("fail", OnHookError::Fail), ("deliver_plain", OnHookError::DeliverPlain)];

/// `silence`.
pub(in crate::spec) const SILENCE: Words<Silence> =
    &[("json", Silence::Json), ("tool", Silence::Tool), ("heartbeat", Silence::Heartbeat), ("never", Silence::Never)];

/// `dialect`.
pub(in crate::spec) const DIALECT: Words<DialectChoice> =
    &[("auto", DialectChoice::Auto), ("unix", DialectChoice::Unix), ("quartz", DialectChoice::Quartz)];

/// `after.outcome`.
pub(in crate::spec) const ENDS: Words<Ends> = &[
    ("delivered", Ends::only(End::Delivered)),
    ("silent", Ends::only(End::Silent)),
    ("failed", Ends::only(End::Failed)),
    ("unknown", Ends::only(End::Unknown)),
    ("skipped", Ends::only(End::Skipped)),
    ("any", Ends::ANY),
];

/// The words for a choice of ends.
pub(in crate::spec) fn ends(ends: Ends) -> Vec<String> {
    match word(ENDS, ends) {
        Some(one) => vec![one.to_owned()],
        None => ends.iter().filter_map(|end| word(ENDS, Ends::only(end))).map(str::to_owned).collect(),
    }
}

/// The word of a value.
pub(in crate::spec) fn word<T: PartialEq + Copy>(words: Words<T>, value: T) -> Option<&'static str> {
    words.iter().find(|(_, meaning)| *meaning == value).map(|(word, _)| *word)
}

/// The word of a value, unless it is the usual one.
pub(in crate::spec) fn differing<T: PartialEq + Copy>(words: Words<T>, value: T, usual: T) -> Option<String> {
    if value == usual { None } else { word(words, value).map(str::to_owned) }
}
