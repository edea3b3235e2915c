//! What a member of a group received, partition by partition: when first, when last, and its longest pause.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::stamp::{age, since_1970};
use crate::{Error, Line};

/// Receipts of this process. When its standard input ends, they are told as a line of JSON and the process ends.
#[derive(Debug)]
pub struct Diary {
    pages: Arc<Mutex<BTreeMap<i32, Page>>>,
    /// Partitions that must have been seen before it is ready; 0 once that was said.
    want: usize,
}

/// Nanoseconds since 1970.
#[derive(Debug, Default)]
struct Page {
    first: u128,
    last: u128,
    /// How old the first record was.
    age: u128,
    /// The longest pause since the member was ready: the time between two receipts, but not longer than the second of them is
    /// old, for when nothing was written nothing could come.
    longest: u128,
}

impl Diary {
    /// An empty one.
    #[must_use]
    pub fn open(line: &Line) -> Self {
        let pages: Arc<Mutex<BTreeMap<i32, Page>>> = Arc::default();
        let told = Arc::clone(&pages);
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ended = std::io::stdin().read_to_end(&mut rest);
            println!("{}", tell(&lock(&told)));
            std::process::exit(0);
        });
        Self {
            pages,
            want: line.want,
        }
    }

    /// Notes a stamped record that was received now; prints `ready` once enough partitions have come.
    ///
    /// # Errors
    /// When it has no stamp, or nobody listens.
    pub fn note(&mut self, partition: i32, value: Option<&[u8]>) -> Result<(), Error> {
        let (now, age) = (since_1970().as_nanos(), age(value)?.as_nanos());
        let mut pages = lock(&self.pages);
        let page = pages.entry(partition).or_default();
        if page.first == 0 {
            (page.first, page.age) = (now, age);
        } else if self.want == 0 {
            let pause = now.saturating_sub(page.last).min(age);
            page.longest = page.longest.max(pause);
        }
        page.last = now;
        if self.want > 0 && pages.len() >= self.want {
            self.want = 0;
            drop(pages);
            println!("ready");
            std::io::stdout().flush()?;
        }
        Ok(())
    }
}

fn lock(pages: &Mutex<BTreeMap<i32, Page>>) -> MutexGuard<'_, BTreeMap<i32, Page>> {
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(pages: &BTreeMap<i32, Page>) -> String {
    let pages: Vec<String> = pages
        .iter()
        .map(|(id, page)| {
            format!(
                r#""{id}":{{"first_ns":{},"age_ns":{},"last_ns":{},"longest_ns":{}}}"#,
                page.first, page.age, page.last, page.longest
            )
        })
        .collect();
    format!("{{{}}}", pages.join(","))
}
