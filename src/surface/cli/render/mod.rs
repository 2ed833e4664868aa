//! Replies as people read them: tables that fit the terminal, times beside how far off they are.
//!
//! Pure: a reply and a [`Look`] in, text out. Not here: printing (`screen`), `--json` (replies as they are).

mod lists;
mod single;
pub mod times;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};

pub use lists::{applied, listed, runs};
pub(super) use single::pairs;
pub use single::{added, changed, previewed, shown, started, status, updated};

use crate::time::Timestamp;

/// What a text is made for.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The time that others are shown against.
    pub now: Timestamp,
    /// Columns of the terminal; `None`: as wide as it takes.
    pub width: Option<u16>,
    /// Whether it may be coloured.
    pub colour: bool,
}

const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none().junction(' '));

/// An empty table with these columns.
pub(super) fn table(look: Look, columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(column);
        if look.colour { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    if look.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    match look.width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// The text of a table, without the blanks at the ends of its lines.
pub(super) fn finish(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A cell for a status or an outcome, in its colour.
pub(super) fn word(look: Look, word: &str) -> Cell {
    let colour = match word {
        "active" | "delivered" | "created" | "silent" | "good" => Color::Green,
        "paused" | "retry" | "pending" | "sending" | "skipped" | "updated" => Color::Yellow,
        "failed" | "unknown" | "refused" => Color::Red,
        "completed" | "cancelled" | "unchanged" | "expired" | "revoked" | "over" => Color::DarkGrey,
        _ => return Cell::new(word),
    };
    let cell = Cell::new(word);
    if look.colour { cell.fg(colour) } else { cell }
}

/// `s` unless there is exactly one.
fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
