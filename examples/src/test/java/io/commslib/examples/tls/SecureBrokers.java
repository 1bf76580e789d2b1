package io.commslib.examples.tls;

import com.rabbitmq.client.DefaultSaslConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.rabbit.RabbitTransportConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.SecureKafkaServer;
import io.commslib.testkit.servers.SecureKafkaServer.Listener;
import io.commslib.testkit.servers.SecureRabbitServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** A broker of each kind, where a client logs in by its certificate. */
final class SecureBrokers implements AutoCloseable {

  private final SecureKafkaServer kafka;
  private final SecureRabbitServer rabbit;

  private SecureBrokers(SecureKafkaServer kafka, SecureRabbitServer rabbit) {
    this.kafka = kafka;
    this.rabbit = rabbit;
  }

  /** Starts both, with all rights for the users. */
  static SecureBrokers start(String... users) throws Exception {
    SecureRabbitServer.Builder definitions = SecureRabbitServer.builder().virtualHost("shop");
    for (String user : users) {
      definitions.user(user, "unused").permissions(user, "shop", ".*", ".*", ".*");
    }
    CompletableFuture<SecureRabbitServer> rabbit =
        CompletableFuture.supplyAsync(definitions::start);
    SecureKafkaServer kafka = SecureKafkaServer.start(Map.of());
    SecureBrokers both = new SecureBrokers(kafka, rabbit.get(60, TimeUnit.SECONDS));
    both.grant(users);
    return both;
  }

  private void grant(String... users) throws Exception {
    List<AclBinding> rights = new ArrayList<>();
    for (String user : users) {
      for (ResourceType type : List.of(ResourceType.TOPIC, ResourceType.GROUP)) {
        rights.add(
            new AclBinding(
                new ResourcePattern(type, "*", PatternType.LITERAL),
                new AccessControlEntry(
                    "User:" + user, "*", AclOperation.ALL, AclPermissionType.ALLOW)));
      }
    }
    try (Admin admin =
        Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers(Listener.ADMIN)))) {
      admin.createAcls(rights).all().get(20, TimeUnit.SECONDS);
      Await.until("the broker knows the rights", () -> known(admin) >= rights.size());
    }
  }

  private static int known(Admin admin) {
    try {
      return admin.describeAcls(AclBindingFilter.ANY).values().get(20, TimeUnit.SECONDS).size();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  MessageTransport kafka(TlsIdentity identity) {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(kafka.bootstrapServers(Listener.CERTIFICATE))
            .tls(identity)
            .build());
  }

  MessageTransport rabbit(TlsIdentity identity) {
    return RabbitTransport.create(
        RabbitTransportConfig.builder("amqps://" + rabbit.host() + ":" + rabbit.port() + "/shop")
            .tls(identity)
            .nativeSettings(factory -> factory.setSaslConfig(DefaultSaslConfig.EXTERNAL))
            .build());
  }

  @Override
  public void close() {
    rabbit.close();
    kafka.close();
  }
}
