//! `host plugin test`: a plugin tested alone, in cargo test's manner.

use super::subject::Subject;
use crate::cli::args::{Args, Format, TestOptions};
use crate::cli::{Failure, json, say};
use crate::lab::{CaseError, Lab, Options, Outcome, Report, Test};
use crate::ports::Mapper;
use crate::shown::shown;
use console::style;
use std::process::ExitCode;

/// `host plugin test`: exit code 0 where all passed, 1 where not.
pub(super) fn test(args: &Args, options: &TestOptions) -> Result<ExitCode, Failure> {
    let subject = Subject::at(&options.path, options.cases.as_deref(), args)?;
    let lab_options = Options {
        cases: subject.cases.clone(),
        bless: options.bless,
        rows: options.rows as usize,
        seed: options.seed,
    };
    let usage = |error: CaseError| Failure::Usage(error.to_string());
    let lab = Lab::new(&subject.plugin, &lab_options).map_err(usage)?;
    let text = args.format == Format::Text;
    if text {
        let file = shown(&options.path);
        say(&format!("running {} tests of {} ({file})", lab.tests(), subject.plugin.object().name));
    }
    let report = lab
        .run(&mut |test| {
            if text {
                say(&line(test));
            }
        })
        .map_err(|error| Failure::Failed(error.to_string()))?;
    say(&if text { summary(&report) } else { json(&report)? });
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn line(test: &Test) -> String {
    let outcome = match test.outcome {
        Outcome::Ok => style("ok").green(),
        Outcome::Blessed => style("blessed").yellow(),
        Outcome::Failed => style("FAILED").red(),
    };
    let detail = test.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("test {} ... {outcome}{detail}", test.name)
}

fn summary(report: &Report) -> String {
    let mut text = String::new();
    let failed = || report.tests.iter().filter(|test| test.outcome == Outcome::Failed);
    if report.failed > 0 {
        text.push_str("\nfailures:\n");
        for test in failed() {
            text.push_str(&format!(
                "\n---- {} ----\n{}\n",
                test.name,
                test.message.as_deref().unwrap_or_default()
            ));
            if let Some(saved) = &test.saved {
                text.push_str(&format!("  saved as {}, which is tried again from now on\n", shown(saved)));
            }
        }
        text.push_str("\nfailures:\n");
        text.extend(failed().map(|test| format!("    {}\n", test.name)));
    }
    let result = if report.failed == 0 { style("ok").green() } else { style("FAILED").red() };
    let (passed, failed) = (report.passed, report.failed);
    text + &format!(
        "\ntest result: {result}. {passed} passed; {failed} failed; {} rows a side, seed {}",
        report.rows, report.seed
    )
}
