//! Texts for platforms: how long ones are cut, and what becomes of Markdown.

mod fit;
mod markdown;
mod split;
