//! Maps: the plan of a hall, its sectors with their rows of numbered seats.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{MapId, PartnerId, SectorId, VenueId};

/// The plan of a hall. Its seats never change: tickets name them.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Its id.
    pub id: MapId,
    /// Whose it is.
    pub org: PartnerId,
    /// The place that it is the plan of.
    pub venue: Option<VenueId>,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// Its parts, in order.
    pub sectors: Vec<Sector>,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A part of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Sector {
    /// Its id.
    pub id: SectorId,
    /// What it is called; unique in its map.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// Its rows from the stage on; none where people stand.
    pub rows: Vec<SeatRow>,
}

/// A row of seats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeatRow {
    /// What it is called; unique in its sector.
    pub name: String,
    /// Its seats from left to right.
    pub seats: Vec<Seat>,
}

/// A seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// What it is called: a number as a rule; unique in its row.
    pub number: String,
    /// Where it is drawn, in steps of one seat from the left; from its place in the row unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Where it is drawn, in steps of one row from the stage; from its row unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}
