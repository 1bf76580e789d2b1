package io.commslib.rabbit;

import com.rabbitmq.client.Address;
import io.commslib.core.FailureKind;
import java.io.IOException;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * No host of the address could be connected to. Its text states the failure of each host. Its cause
 * is a failure that may pass, if there is one: while one host may be reached later, so may the
 * broker.
 */
final class NoHostException extends IOException {

  private static final long serialVersionUID = 1L;

  NoHostException(Map<Address, IOException> failures) {
    super(
        failures.entrySet().stream()
            .map(
                failure ->
                    failure.getKey().getHost()
                        + ":"
                        + failure.getKey().getPort()
                        + ": "
                        + RabbitErrors.text(failure.getValue()))
            .collect(Collectors.joining("; ")),
        cause(failures));
  }

  private static IOException cause(Map<Address, IOException> failures) {
    return failures.values().stream()
        .filter(failure -> RabbitErrors.kind(failure) == FailureKind.TRANSIENT)
        .findFirst()
        .orElseGet(() -> failures.values().iterator().next());
  }
}
