//! Texts for platforms: how long ones are cut, and what becomes of Markdown.

mod markdown;
mod split;
