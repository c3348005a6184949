//! The line that stands for a run where there is room for only one.

use crate::analyse::Table;
use crate::record::Transport;

/// The columns of the TCP payload with the most connection counts, the smallest such payload, by count.
pub(super) fn longest(table: &Table) -> Option<Vec<usize>> {
    let on = |payload: u32| {
        let cells = table.columns.iter().enumerate();
        let own = cells.filter(move |(_, cell)| cell.transport == Transport::Tcp && cell.payload_bytes == payload);
        let mut places: Vec<usize> = own.map(|(place, _)| place).collect();
        places.sort_by_key(|place| table.columns[*place].connections);
        places
    };
    let tcp = table.columns.iter().filter(|cell| cell.transport == Transport::Tcp);
    let payload = tcp.map(|cell| cell.payload_bytes).max_by_key(|payload| (on(*payload).len(), u32::MAX - payload))?;
    Some(on(payload))
}
