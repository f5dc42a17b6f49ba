//! The tokens that a model thinks before it answers.

use super::sizes::SizeSampler;
use super::spec::ThinkingSpec;
use crate::rng::Keyed;

/// How much the model of a workload thinks, request by request.
#[derive(Clone, Debug)]
pub struct ThinkingLaw {
    law: Law,
    draws: Keyed,
}

#[derive(Clone, Debug)]
enum Law {
    Share(f64),
    Tokens(SizeSampler),
}

impl ThinkingLaw {
    /// The law of the workload called `workload`.
    pub fn new(spec: &ThinkingSpec, seed: u64, workload: &str) -> Self {
        Self {
            law: match spec {
                ThinkingSpec::Share(share) => Law::Share(share.get()),
                ThinkingSpec::Tokens(size) => Law::Tokens(SizeSampler::new(size)),
            },
            draws: Keyed::new(seed, &format!("{workload}/thinking")),
        }
    }

    /// All output tokens of request number `seq` whose output was drawn as `output`, and how many
    /// of them are thinking.
    #[inline]
    pub fn draw(&self, seq: u64, output: u32) -> (u32, u32) {
        match &self.law {
            Law::Share(share) => (output, (f64::from(output) * share).round() as u32),
            Law::Tokens(size) => {
                let thinking = size.draw(self.draws, seq);
                (output.saturating_add(thinking), thinking)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::spec::SizeSpec;
    use crate::units::Ratio;

    #[test]
    fn a_share_is_inside_the_output_and_a_size_on_top() {
        let share = ThinkingSpec::Share(Ratio::new(0.75).unwrap());
        assert_eq!(ThinkingLaw::new(&share, 1, "w").draw(7, 400), (400, 300));
        let size = ThinkingSpec::Tokens(SizeSpec::Fixed(1000));
        assert_eq!(ThinkingLaw::new(&size, 1, "w").draw(7, 400), (1400, 1000));
    }
}
