package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.rabbitmq.client.ConnectionFactory;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RabbitAddressTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          amqp://host                              | host        | 5672 | guest  | guest   | /
          amqp://host:                             | host        | 5672 | guest  | guest   | /
          amqps://host                             | host        | 5671 | guest  | guest   | /
          AMQP://svc:pw@host:1234/orders           | host        | 1234 | svc    | pw      | orders
          amqp://svc@host                          | host        | 5672 | svc    | guest   | /
          amqp://svc:@host                         | host        | 5672 | svc    | ''      | /
          amqp://a%3Ab:c%40d%2Fe%25@host/x%2Fy     | host        | 5672 | a:b    | c@d/e%  | x/y
          amqp://svc:p+w@host/a+b                  | host        | 5672 | svc    | p+w     | a+b
          amqp://svc:p%C3%A4ss%F0%9F%94%91@host    | host        | 5672 | svc    | päss🔑  | /
          amqp://svc:päss@host                     | host        | 5672 | svc    | päss    | /
          amqp://svc:pw@host/                      | host        | 5672 | svc    | pw      | ''
          amqp://svc:pw@host/%2F                   | host        | 5672 | svc    | pw      | /
          amqp://svc:pw@host/%2525                 | host        | 5672 | svc    | pw      | %25
          amqp://10.1.2.3:5673                     | 10.1.2.3    | 5673 | guest  | guest   | /
          amqp://svc:pw@[::1]:5673                 | [::1]       | 5673 | svc    | pw      | /
          amqp://my-host.example.org               | my-host.example.org | 5672 | guest | guest | /
          """)
  void aUriDefinesAddressAndLogin(
      String uri, String host, int port, String user, String password, String virtualHost) {
    ConnectionFactory factory = new ConnectionFactory();
    RabbitAddress.of(uri).applyTo(factory);
    assertThat(factory.getHost()).isEqualTo(host);
    assertThat(factory.getPort()).isEqualTo(port);
    assertThat(factory.getUsername()).isEqualTo(user);
    assertThat(factory.getPassword()).isEqualTo(password);
    assertThat(factory.getVirtualHost()).isEqualTo(virtualHost);
    assertThat(factory.isSSL()).isEqualTo(uri.startsWith("amqps"));
    String text = RabbitTransportConfig.builder(uri).build().toString();
    assertThat(text).contains(host + ":" + port).doesNotContain("pw").doesNotContain("svc");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          http://SECRETU:SECRETP@host              | uri:
          amqp:SECRETU:SECRETP@host                | uri:
          SECRETU:SECRETP@host                     | uri:
          SECRETU                                  | uri:
          amqp://SECRETU:SECRETP^ss@host:5672      | uri:
          amqp://SECRETU:SECRETP%zz@host           | uri:
          amqp://SECRETU:SECRETP ss@host           | uri:
          amqp://SECRETU:SECRETP@host/a b          | uri:
          amqp://SECRETU:SECRETP@                  | uri host:
          amqp:///vhost                            | uri host:
          amqp://SECRETU:SECRETP@my_host:5672      | uri host:
          amqp://SECRETU:SECRETP@a:1,b:2/          | uri host:
          amqp://SECRETU:SECRETP@a,b/              | uri host:
          amqp://SECRETU:SECRETP@ss@host           | uri host:
          amqp://SECRETU:SECRETP/ss@host           | uri host:
          amqp://SECRETU:SECRETP@host:port         | uri host:
          amqp://SECRETU:SECRETP@host:99999        | uri port:
          amqp://SECRETU:SECRETP@host:0            | uri port:
          amqp://SECRETU:SEC:RETP@host             | uri user:
          amqp://:SECRETP@host                     | uri user:
          amqp://@host                             | uri user:
          amqp://SECRETU:SECRETP%FF@host           | uri password:
          amqp://SECRETU%FF:SECRETP@host           | uri user:
          amqp://SECRETU:SECRETP@host/%FF          | uri vhost:
          amqp://SECRETU:SECRETP@host/a/b          | uri vhost:
          amqp://SECRETU:SECRETP@host?heartbeat=3  | uri query:
          amqp://SECRETU:SECRETP@host/v?SECRETP    | uri query:
          amqp://SECRETU:SECRETP@host/v#SECRETP    | uri query:
          """)
  void anInvalidUriIsRefusedWithItsRuleAndNotShown(String uri, String part) {
    Throwable refusal = catchThrowable(() -> RabbitTransportConfig.builder(uri));
    assertThat(refusal)
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(part + " (not shown) (expected: ")
        .hasNoCause();
    StringWriter all = new StringWriter();
    refusal.printStackTrace(new PrintWriter(all));
    assertThat(all.toString()).doesNotContain("SEC").doesNotContain("RETP");
  }
}
