package io.commslib.core.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.resilience.ConcurrencyLimiter;
import io.commslib.core.resilience.Permit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CriticalityTest {

  @ParameterizedTest
  @EnumSource
  void itTravelsInTheBaggage(Criticality criticality) {
    CallContext context = CallContext.empty().withCriticality(criticality);
    assertThat(context.baggage()).containsEntry("criticality", criticality.name());
    assertThat(context.criticality()).isEqualTo(criticality);
    CallContext received = CallContext.empty().withBaggage("criticality", criticality.name());
    assertThat(received.criticality()).isEqualTo(criticality);
  }

  @Test
  void whatIsNotKnownIsCritical() {
    assertThat(CallContext.empty().criticality()).isEqualTo(Criticality.CRITICAL);
    assertThat(Criticality.of(null)).isEqualTo(Criticality.CRITICAL);
    assertThat(Criticality.of("CRITICAL_PLUS")).isEqualTo(Criticality.CRITICAL);
    assertThat(Criticality.of("")).isEqualTo(Criticality.CRITICAL);
    assertThat(Criticality.of("sheddable")).isEqualTo(Criticality.SHEDDABLE);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "2, 2, 1", "3, 3, 2", "4, 3, 2", "5, 4, 3", "20, 15, 10"})
  void theLastPermitsAreForThoseThatMatterMore(int limit, int plus, int sheddable) {
    assertThat(Criticality.CRITICAL.partOf(limit)).isEqualTo(limit);
    assertThat(Criticality.SHEDDABLE_PLUS.partOf(limit)).isEqualTo(plus);
    assertThat(Criticality.SHEDDABLE.partOf(limit)).isEqualTo(sheddable);
  }

  /** A limiter that knows of no criticality. */
  private static final class Plain implements ConcurrencyLimiter {
    private int inFlight;

    @Override
    public @Nullable Permit tryAcquire() {
      if (inFlight == limit()) {
        return null;
      }
      inFlight++;
      return new Permit() {
        @Override
        public void ended(CallOutcome outcome, long nanos) {
          inFlight--;
        }

        @Override
        public void released() {
          inFlight--;
        }
      };
    }

    @Override
    public int inFlight() {
      return inFlight;
    }

    @Override
    public int limit() {
      return 4;
    }
  }

  @Test
  void aLimiterOfTheUserShedsToo() {
    Plain limiter = new Plain();
    assertThat(limiter.tryAcquire(Criticality.SHEDDABLE)).isNotNull();
    assertThat(limiter.tryAcquire(Criticality.SHEDDABLE)).isNotNull();
    assertThat(limiter.tryAcquire(Criticality.SHEDDABLE)).isNull();
    assertThat(limiter.tryAcquire(Criticality.SHEDDABLE_PLUS)).isNotNull();
    assertThat(limiter.tryAcquire(Criticality.SHEDDABLE_PLUS)).isNull();
    assertThat(limiter.tryAcquire(Criticality.CRITICAL)).isNotNull();
    assertThat(limiter.tryAcquire(Criticality.CRITICAL)).isNull();
  }
}
