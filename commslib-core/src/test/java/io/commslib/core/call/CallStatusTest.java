package io.commslib.core.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

/** The table of statuses. */
class CallStatusTest {

  @Test
  void theNumbersAreThoseOfGrpc() {
    assertThat(CallStatus.values()).hasSize(17);
    assertThat(CallStatus.OK.code()).isZero();
    assertThat(CallStatus.UNAUTHENTICATED.code()).isEqualTo(16);
    assertThat(CallStatus.ofCode(14)).isEqualTo(CallStatus.UNAVAILABLE);
    assertThat(CallStatus.ofCode(17)).isEqualTo(CallStatus.UNKNOWN);
    assertThat(CallStatus.ofCode(-1)).isEqualTo(CallStatus.UNKNOWN);
  }

  @Test
  void aStatusThatHttpDistinguishesComesBack() {
    for (CallStatus status : CallStatus.values()) {
      switch (status) {
        case ALREADY_EXISTS ->
            assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(CallStatus.ABORTED);
        case OUT_OF_RANGE ->
            assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(CallStatus.INVALID_ARGUMENT);
        case UNKNOWN, DATA_LOSS ->
            assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(CallStatus.INTERNAL);
        default -> assertThat(CallStatus.ofHttp(status.toHttp())).isEqualTo(status);
      }
    }
  }

  @Test
  void everyHttpStatusHasOne() {
    for (int http = 100; http < 600; http++) {
      CallStatus status = CallStatus.ofHttp(http);
      assertThat(status == CallStatus.OK).as("%d", http).isEqualTo(http < 400);
    }
    assertThat(CallStatus.ofHttp(418)).isEqualTo(CallStatus.INVALID_ARGUMENT);
    assertThat(CallStatus.ofHttp(507)).isEqualTo(CallStatus.UNKNOWN);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CallStatus.ofHttp(600))
        .withMessage("http: 600 (expected: 100..599)");
  }
}
